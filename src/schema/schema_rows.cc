// SPDX-License-Identifier: Apache-2.0
//
// Between schema values and the protobuf rows of proto/schema.proto. Refuses nothing: what is
// written was checked at discovery, and what cannot be read back means a damaged disk.
#include "schema/schema_rows.h"

#include "perdure/base/assert.h"
#include "schema.pb.h"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace perdure {
namespace {

constexpr char kDeploymentTable = '\x01';  // ON DISK: second byte of the key

using schema_rows::ContentRow;
using schema_rows::DeploymentRow;
using schema_rows::HandlerRow;
using schema_rows::OptionsRow;
using schema_rows::PairRow;
using schema_rows::ServiceRow;

template <typename Rows>
void EncodePairs(const std::map<std::string, std::string>& pairs, Rows* rows) {
  for (const auto& pair : pairs) {
    PairRow* row = rows->Add();
    row->set_name(pair.first);
    row->set_value(pair.second);
  }
}

template <typename Rows>
std::map<std::string, std::string> DecodePairs(const Rows& rows) {
  std::map<std::string, std::string> out;
  for (const PairRow& row : rows) {
    out[row.name()] = row.value();
  }
  return out;
}

void EncodeOptions(const HandlerOptions& options, OptionsRow* row) {
  const auto put = [row](const auto& value, auto setter) {
    if (value.has_value()) {
      (row->*setter)(*value);
    }
  };
  put(options.inactivity_timeout, &OptionsRow::set_inactivity_timeout_ms);
  put(options.abort_timeout, &OptionsRow::set_abort_timeout_ms);
  put(options.journal_retention, &OptionsRow::set_journal_retention_ms);
  put(options.idempotency_retention, &OptionsRow::set_idempotency_retention_ms);
  put(options.workflow_completion_retention, &OptionsRow::set_workflow_completion_retention_ms);
  put(options.enable_lazy_state, &OptionsRow::set_enable_lazy_state);
  put(options.ingress_private, &OptionsRow::set_ingress_private);
  put(options.retry_initial_interval, &OptionsRow::set_retry_initial_interval_ms);
  put(options.retry_max_interval, &OptionsRow::set_retry_max_interval_ms);
  put(options.retry_max_attempts, &OptionsRow::set_retry_max_attempts);
  put(options.retry_exponentiation_factor, &OptionsRow::set_retry_exponentiation_factor);
  if (options.retry_on_max_attempts.has_value()) {
    row->set_retry_on_max_attempts(static_cast<uint32_t>(*options.retry_on_max_attempts));
  }
}

HandlerOptions DecodeOptions(const OptionsRow& row) {
  HandlerOptions out;
  const auto get = [&row](auto* value, bool present, auto getter) {
    if (present) {
      *value = (row.*getter)();
    }
  };
  get(&out.inactivity_timeout, row.has_inactivity_timeout_ms(), &OptionsRow::inactivity_timeout_ms);
  get(&out.abort_timeout, row.has_abort_timeout_ms(), &OptionsRow::abort_timeout_ms);
  get(&out.journal_retention, row.has_journal_retention_ms(), &OptionsRow::journal_retention_ms);
  get(&out.idempotency_retention,
      row.has_idempotency_retention_ms(),
      &OptionsRow::idempotency_retention_ms);
  get(&out.workflow_completion_retention,
      row.has_workflow_completion_retention_ms(),
      &OptionsRow::workflow_completion_retention_ms);
  get(&out.enable_lazy_state, row.has_enable_lazy_state(), &OptionsRow::enable_lazy_state);
  get(&out.ingress_private, row.has_ingress_private(), &OptionsRow::ingress_private);
  get(&out.retry_initial_interval,
      row.has_retry_initial_interval_ms(),
      &OptionsRow::retry_initial_interval_ms);
  get(&out.retry_max_interval, row.has_retry_max_interval_ms(), &OptionsRow::retry_max_interval_ms);
  get(&out.retry_max_attempts, row.has_retry_max_attempts(), &OptionsRow::retry_max_attempts);
  get(&out.retry_exponentiation_factor,
      row.has_retry_exponentiation_factor(),
      &OptionsRow::retry_exponentiation_factor);
  if (row.has_retry_on_max_attempts()) {
    const uint32_t value = row.retry_on_max_attempts();
    PERDURE_INVARIANT(value <= 1, "unknown on-max-attempts in a deployment row");
    out.retry_on_max_attempts = static_cast<OnMaxAttempts>(value);
  }
  return out;
}

template <typename Schema>
void EncodeContent(const Schema& schema, ContentRow* row) {
  row->set_declared(schema.declared);
  if (schema.content_type.has_value()) {
    row->set_content_type(*schema.content_type);
  }
  if (schema.json_schema.has_value()) {
    row->set_json_schema(*schema.json_schema);
  }
}

template <typename Schema>
void DecodeContent(const ContentRow& row, Schema* out) {
  out->declared = row.declared();
  if (row.has_content_type()) {
    out->content_type = row.content_type();
  }
  if (row.has_json_schema()) {
    out->json_schema = row.json_schema();
  }
}

void EncodeHandler(const HandlerSchema& handler, HandlerRow* row) {
  row->set_name(handler.name);
  row->set_type(static_cast<uint32_t>(handler.type));
  EncodeContent(handler.input, row->mutable_input());
  row->mutable_input()->set_required(handler.input.required);
  EncodeContent(handler.output, row->mutable_output());
  row->mutable_output()->set_set_content_type_if_empty(handler.output.set_content_type_if_empty);
  if (handler.documentation.has_value()) {
    row->set_documentation(*handler.documentation);
  }
  EncodePairs(handler.metadata, row->mutable_metadata());
  EncodeOptions(handler.options, row->mutable_options());
}

HandlerSchema DecodeHandler(const HandlerRow& row, bool service_is_public) {
  HandlerSchema out;
  out.name = row.name();
  PERDURE_INVARIANT(
      row.type() <= static_cast<uint32_t>(HandlerType::kWorkflow),
      "unknown handler type in a deployment row");
  out.type = static_cast<HandlerType>(row.type());
  DecodeContent(row.input(), &out.input);
  out.input.required = row.input().required();
  DecodeContent(row.output(), &out.output);
  out.output.set_content_type_if_empty = row.output().set_content_type_if_empty();
  if (row.has_documentation()) {
    out.documentation = row.documentation();
  }
  out.metadata = DecodePairs(row.metadata());
  out.options = DecodeOptions(row.options());
  out.is_public = !out.options.ingress_private.value_or(!service_is_public);
  return out;
}

void EncodeService(const ServiceSchema& service, ServiceRow* row) {
  row->set_name(service.name);
  row->set_type(static_cast<uint32_t>(service.type));
  row->set_revision(service.revision);
  if (service.documentation.has_value()) {
    row->set_documentation(*service.documentation);
  }
  EncodePairs(service.metadata, row->mutable_metadata());
  EncodeOptions(service.options, row->mutable_options());
  for (const auto& handler : service.handlers) {
    EncodeHandler(handler.second, row->add_handlers());
  }
}

ServiceSchema DecodeService(const ServiceRow& row, const DeploymentId& deployment) {
  ServiceSchema out;
  out.name = row.name();
  PERDURE_INVARIANT(
      row.type() >= static_cast<uint32_t>(ServiceType::kService) &&
          row.type() <= static_cast<uint32_t>(ServiceType::kWorkflow),
      "unknown service type in a deployment row");
  out.type = static_cast<ServiceType>(row.type());
  out.revision = row.revision();
  out.deployment_id = deployment;
  if (row.has_documentation()) {
    out.documentation = row.documentation();
  }
  out.metadata = DecodePairs(row.metadata());
  out.options = DecodeOptions(row.options());
  out.is_public = !out.options.ingress_private.value_or(false);
  for (const HandlerRow& handler : row.handlers()) {
    out.handlers[handler.name()] = DecodeHandler(handler, out.is_public);
  }
  return out;
}

DeploymentSchema DecodeDeployment(const DeploymentId& id, BytesView bytes) {
  DeploymentRow row;
  PERDURE_INVARIANT(
      row.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())),
      "a deployment row cannot be read");
  DeploymentSchema out;
  out.id = id;
  out.uri = row.uri();
  out.endpoint.tls = row.tls();
  out.endpoint.host = row.host();
  out.endpoint.port = static_cast<uint16_t>(row.port());
  out.endpoint.http11 = row.http11();
  out.path_prefix = row.path_prefix();
  out.query = row.query();
  for (const PairRow& header : row.additional_headers()) {
    out.additional_headers.Add(header.name(), header.value());
  }
  out.metadata = DecodePairs(row.metadata());
  out.created_at = row.created_at_ms();
  out.min_protocol_version = static_cast<int>(row.min_protocol_version());
  out.max_protocol_version = static_cast<int>(row.max_protocol_version());
  out.bidirectional = row.bidirectional();
  if (row.has_sdk_version()) {
    out.sdk_version = row.sdk_version();
  }
  for (const ServiceRow& service : row.services()) {
    out.services[service.name()] =
        std::make_shared<const ServiceSchema>(DecodeService(service, id));
  }
  return out;
}

}  // namespace

std::string DeploymentKey(const DeploymentId& id) {
  std::string key{kSchemaKeyPrefix, kDeploymentTable};
  for (const uint8_t byte : id.ulid) {
    key.push_back(static_cast<char>(byte));
  }
  return key;
}

std::string EncodeDeployment(const DeploymentSchema& deployment) {
  DeploymentRow row;
  row.set_uri(deployment.uri);
  row.set_tls(deployment.endpoint.tls);
  row.set_host(deployment.endpoint.host);
  row.set_port(deployment.endpoint.port);
  row.set_http11(deployment.endpoint.http11);
  row.set_path_prefix(deployment.path_prefix);
  row.set_query(deployment.query);
  for (const HttpHeader& header : deployment.additional_headers.items()) {
    PairRow* pair = row.add_additional_headers();
    pair->set_name(header.name);
    pair->set_value(header.value);
  }
  EncodePairs(deployment.metadata, row.mutable_metadata());
  row.set_created_at_ms(deployment.created_at);
  row.set_min_protocol_version(static_cast<uint32_t>(deployment.min_protocol_version));
  row.set_max_protocol_version(static_cast<uint32_t>(deployment.max_protocol_version));
  row.set_bidirectional(deployment.bidirectional);
  if (deployment.sdk_version.has_value()) {
    row.set_sdk_version(*deployment.sdk_version);
  }
  for (const auto& service : deployment.services) {
    EncodeService(*service.second, row.add_services());
  }
  return row.SerializeAsString();
}

std::vector<DeploymentSchema> ReadDeployments(const StateReader& reader) {
  const std::string lower{kSchemaKeyPrefix, kDeploymentTable};
  const std::string upper{kSchemaKeyPrefix, static_cast<char>(kDeploymentTable + 1)};
  std::vector<DeploymentSchema> out;
  for (auto it = reader.Scan(Family::kMeta, lower, upper); it->Valid(); it->Next()) {
    DeploymentId id;
    PERDURE_INVARIANT(
        it->key().size() == lower.size() + id.ulid.size(), "a deployment key has a wrong size");
    for (size_t i = 0; i < id.ulid.size(); ++i) {
      id.ulid[i] = static_cast<uint8_t>(it->key()[lower.size() + i]);
    }
    out.push_back(DecodeDeployment(id, it->value()));
  }
  return out;
}

}  // namespace perdure
