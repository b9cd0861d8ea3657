// SPDX-License-Identifier: Apache-2.0
//
// Values that stand in several rows: targets, callers, failures, results. For the codecs of rows
// only, which are the only files of core that see the generated messages.
#pragma once

#include "core/row_codec.h"
#include "core_rows.pb.h"
#include "perdure/base/assert.h"

#include <string>
#include <utility>
#include <variant>

namespace perdure {

void ToRow(const Target& target, rows::TargetRow& row);
Target FromRow(const rows::TargetRow& row);
InvocationId IdFrom(BytesView bytes);
void ToRow(const CallerRef& caller, rows::CallerRow& row);
CallerRef FromRow(const rows::CallerRow& row);
void ToRow(const Failure& failure, rows::FailureRow& row);
Failure FromRow(const rows::FailureRow& row);

template <typename Row>
void SetResult(const ValueOrFailure& result, Row& row) {
  if (const auto* value = std::get_if<SharedBytes>(&result)) {
    row.set_value(std::string(value->view()));
  } else {
    ToRow(std::get<Failure>(result), *row.mutable_failure());
  }
}

template <typename Row>
ValueOrFailure GetResult(Row& row) {
  if (row.has_failure()) {
    return FromRow(row.failure());
  }
  return SharedBytes(std::move(*row.mutable_value()));
}

template <typename Row>
std::string Serialize(const Row& row) {
  std::string bytes;
  PERDURE_ASSERT(row.SerializeToString(&bytes));
  return bytes;
}

template <typename Row>
Row Parse(BytesView bytes) {
  Row row;
  PERDURE_INVARIANT(
      row.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())),
      "a stored row does not decode");
  return row;
}

}  // namespace perdure
