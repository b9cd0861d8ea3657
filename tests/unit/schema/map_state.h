// SPDX-License-Identifier: Apache-2.0
//
// State in sorted maps, for unit tests of what reads or writes rows: transactions write through at
// once. Knows nothing of durability.
#pragma once

#include "perdure/store/state.h"

#include <array>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace perdure::testing {

using Rows = std::array<std::map<std::string, std::string, std::less<>>, kFamilyCount>;

class MapIterator final : public StateIterator {
 public:
  using Map = std::map<std::string, std::string, std::less<>>;
  MapIterator(const Map& map, BytesView lower, BytesView upper)
      : it_(map.lower_bound(lower)), end_(upper.empty() ? map.end() : map.lower_bound(upper)) {}
  bool Valid() const override { return it_ != end_; }
  void Next() override { ++it_; }
  BytesView key() const override { return it_->first; }
  BytesView value() const override { return it_->second; }

 private:
  Map::const_iterator it_;
  Map::const_iterator end_;
};

class MapTxn final : public StateTxn {
 public:
  MapTxn() : rows_(std::make_shared<Rows>()) {}
  explicit MapTxn(std::shared_ptr<Rows> rows) : rows_(std::move(rows)) {}

  std::optional<std::string> Get(Family family, BytesView key) const override {
    const auto it = Map(family).find(key);
    return it == Map(family).end() ? std::nullopt : std::optional<std::string>(it->second);
  }
  std::unique_ptr<StateIterator> Scan(
      Family family, BytesView lower, BytesView upper) const override {
    return std::make_unique<MapIterator>(Map(family), lower, upper);
  }
  void Put(Family family, BytesView key, BytesView value) override {
    Map(family)[std::string(key)] = std::string(value);
  }
  void Put(Family family, BytesView key, std::initializer_list<BytesView> parts) override {
    std::string value;
    for (const BytesView part : parts) {
      value.append(part);
    }
    Put(family, key, value);
  }
  void Delete(Family family, BytesView key) override { Map(family).erase(std::string(key)); }
  void DeleteOnce(Family family, BytesView key) override { Delete(family, key); }
  size_t byte_size() const override { return 0; }
  bool empty() const override { return true; }

  std::map<std::string, std::string, std::less<>>& Map(Family family) const {
    return (*rows_)[static_cast<size_t>(family)];
  }

 private:
  std::shared_ptr<Rows> rows_;
};

}  // namespace perdure::testing
