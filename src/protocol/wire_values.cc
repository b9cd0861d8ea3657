// SPDX-License-Identifier: Apache-2.0
//
// Reading and writing of Value, Failure and Header. Failures keep every field they came with, since
// they are data that is forwarded unchanged (service protocol 3.13).
#include "protocol/wire_values.h"

namespace perdure {
namespace {

// Reads the key and value of a Header or a FailureMetadata, which look the same.
Header ReadPair(BytesView bytes, bool& ok) {
  Header pair;
  WireReader reader(bytes);
  while (reader.Next()) {
    switch (reader.field()) {
      case 1:
        pair.key = reader.Text();
        break;
      case 2:
        pair.value = reader.Text();
        break;
      default:
        reader.Skip();
    }
  }
  ok = reader.ok();
  return pair;
}

}  // namespace

BytesView ReadValue(WireReader& reader) {
  WireReader inner(reader.Bytes());
  BytesView content;
  while (inner.Next()) {
    if (inner.field() == 1) {
      content = inner.Bytes();
    } else {
      inner.Skip();
    }
  }
  if (!inner.ok()) {
    reader.Break();
  }
  return content;
}

Failure ReadFailure(WireReader& reader) {
  WireReader inner(reader.Bytes());
  Failure failure;
  failure.code = 0;
  while (inner.Next()) {
    switch (inner.field()) {
      case 1:
        failure.code = inner.Uint32();
        break;
      case 2:
        failure.message = inner.Text();
        break;
      case 3: {
        bool ok = true;
        Header pair = ReadPair(inner.Bytes(), ok);
        failure.metadata.emplace_back(std::move(pair.key), std::move(pair.value));
        if (!ok) {
          inner.Break();
        }
        break;
      }
      default:
        inner.Skip();
    }
  }
  if (!inner.ok()) {
    reader.Break();
  }
  return failure;
}

Header ReadHeader(WireReader& reader) {
  bool ok = true;
  Header header = ReadPair(reader.Bytes(), ok);
  if (!ok) {
    reader.Break();
  }
  return header;
}

void WriteValue(WireWriter& writer, uint32_t field, BytesView value) {
  WireWriter inner;
  inner.BytesIfSet(1, value);
  writer.Bytes(field, inner.view());
}

void WriteFailure(WireWriter& writer, uint32_t field, const Failure& failure) {
  WireWriter inner;
  inner.VarintIfSet(1, failure.code);
  inner.BytesIfSet(2, failure.message);
  for (const auto& [key, value] : failure.metadata) {
    WireWriter pair;
    pair.BytesIfSet(1, key);
    pair.BytesIfSet(2, value);
    inner.Bytes(3, pair.view());
  }
  writer.Bytes(field, inner.view());
}

void WriteHeader(WireWriter& writer, uint32_t field, const Header& header) {
  WireWriter inner;
  inner.BytesIfSet(1, header.key);
  inner.BytesIfSet(2, header.value);
  writer.Bytes(field, inner.view());
}

}  // namespace perdure
