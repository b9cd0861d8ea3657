// SPDX-License-Identifier: Apache-2.0
//
// Field by field.
#include "core/row_values.h"

namespace perdure {

void ToRow(const Target& target, rows::TargetRow& row) {
  row.set_service(target.service);
  row.set_key(target.key);
  row.set_handler(target.handler);
  row.set_service_type(static_cast<uint32_t>(target.service_type));
  row.set_handler_type(static_cast<uint32_t>(target.handler_type));
}

Target FromRow(const rows::TargetRow& row) {
  Target target;
  target.service = row.service();
  target.key = row.key();
  target.handler = row.handler();
  target.service_type = static_cast<ServiceType>(row.service_type());
  target.handler_type = static_cast<HandlerType>(row.handler_type());
  return target;
}

InvocationId IdFrom(BytesView bytes) {
  const std::optional<InvocationId> id = InvocationId::FromBytes(bytes);
  PERDURE_INVARIANT(id.has_value(), "a row holds an id of the wrong size");
  return *id;
}

void ToRow(const CallerRef& caller, rows::CallerRow& row) {
  row.set_id(caller.id.ToBytes());
  row.set_birth(caller.birth.value);
  ToRow(caller.target, *row.mutable_target());
  row.set_result_completion_id(caller.result_completion_id);
  row.set_wish(static_cast<uint32_t>(caller.wish));
}

CallerRef FromRow(const rows::CallerRow& row) {
  CallerRef caller;
  caller.id = IdFrom(row.id());
  caller.birth = Birth{row.birth()};
  caller.target = FromRow(row.target());
  caller.result_completion_id = row.result_completion_id();
  caller.wish = static_cast<CallerWish>(row.wish());
  return caller;
}

void ToRow(const Failure& failure, rows::FailureRow& row) {
  row.set_code(failure.code);
  row.set_message(failure.message);
  for (const auto& [key, value] : failure.metadata) {
    rows::FailureMetadataRow* item = row.add_metadata();
    item->set_key(key);
    item->set_value(value);
  }
}

Failure FromRow(const rows::FailureRow& row) {
  Failure failure{row.code(), row.message(), {}};
  for (const rows::FailureMetadataRow& item : row.metadata()) {
    failure.metadata.emplace_back(item.key(), item.value());
  }
  return failure;
}

}  // namespace perdure
