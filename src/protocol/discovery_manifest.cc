// SPDX-License-Identifier: Apache-2.0
//
// From the discovery response to schema structs, in the reference's order of checks: content type,
// JSON, protocol, then what the services say (admin API 5.2 steps 5 and 6).
#include "base/utf8.h"
#include "perdure/protocol/manifest.h"
#include "perdure/protocol/message_type.h"
#include "protocol/json_schema_check.h"
#include "protocol/manifest_decode.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <utility>

namespace perdure {

const std::string_view kDiscoveryAccept =
    "application/vnd.restate.endpointmanifest.v1+json, "
    "application/vnd.restate.endpointmanifest.v2+json, "
    "application/vnd.restate.endpointmanifest.v3+json, "
    "application/vnd.restate.endpointmanifest.v4+json";

namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 4> kContentTypes = {
    "application/vnd.restate.endpointmanifest.v1+json",
    "application/vnd.restate.endpointmanifest.v2+json",
    "application/vnd.restate.endpointmanifest.v3+json",
    "application/vnd.restate.endpointmanifest.v4+json"};
constexpr uint64_t kVersionMax = 2'147'483'647;
// How much of an unusable response is quoted.
constexpr size_t kQuotedMax = 1000;

ManifestError BadResponse(std::string reason) {
  return {500, "META0013", "received a bad response from the SDK: " + std::move(reason), true};
}

ManifestError Undecodable(const std::string& reason, BytesView body) {
  std::string message = "received a bad response from the SDK that cannot be decoded: " + reason;
  message += ". Discovery response: ";
  message += Excerpt(body, kQuotedMax);
  return {500, "", std::move(message), true};
}

ManifestError Refused(std::string message) {
  return {400, "", std::move(message), false};
}

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsWord(char c) {
  return IsLetter(c) || (c >= '0' && c <= '9');
}

// ^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9_<more>]*$
bool IsName(std::string_view name, std::string_view more) {
  if (name.empty()) {
    return false;
  }
  const bool underscore = name[0] == '_' && name.size() > 1 && IsWord(name[1]);
  if (!IsLetter(name[0]) && !underscore) {
    return false;
  }
  return std::all_of(name.begin(), name.end(), [more](char c) {
    return IsWord(c) || c == '_' || more.find(c) != std::string_view::npos;
  });
}

bool IsReservedService(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return lower.starts_with("restate") || lower == "openapi";
}

std::string_view TypeName(ServiceType type) {
  switch (type) {
    case ServiceType::kService:
      return "Service";
    case ServiceType::kVirtualObject:
      return "VirtualObject";
    case ServiceType::kWorkflow:
      return "Workflow";
  }
  return "";
}

// What `ty` of a handler says; positions of the choices in the manifest.
enum class GivenType : size_t { kWorkflow, kExclusive, kShared };

// Nothing: this combination does not exist.
std::optional<HandlerType> CombineTypes(ServiceType service, std::optional<GivenType> given) {
  switch (service) {
    case ServiceType::kService:
      if (!given.has_value() || *given == GivenType::kShared) {
        return HandlerType::kUnkeyed;
      }
      return std::nullopt;
    case ServiceType::kVirtualObject:
      if (!given.has_value() || *given == GivenType::kExclusive) {
        return HandlerType::kExclusive;
      }
      return *given == GivenType::kShared ? std::optional(HandlerType::kShared) : std::nullopt;
    case ServiceType::kWorkflow:
      if (!given.has_value() || *given == GivenType::kShared) {
        return HandlerType::kShared;  // service protocol 11-1
      }
      return *given == GivenType::kWorkflow ? std::optional(HandlerType::kWorkflow) : std::nullopt;
  }
  return std::nullopt;
}

std::string_view NameOf(GivenType type) {
  switch (type) {
    case GivenType::kWorkflow:
      return "Some(Workflow)";
    case GivenType::kExclusive:
      return "Some(Exclusive)";
    case GivenType::kShared:
      return "Some(Shared)";
  }
  return "";
}

HandlerOptions ReadOptions(ManifestReader& reader, const Json& object) {
  HandlerOptions options;
  options.inactivity_timeout = reader.Duration(object, "inactivityTimeout");
  options.abort_timeout = reader.Duration(object, "abortTimeout");
  options.journal_retention = reader.Duration(object, "journalRetention");
  options.idempotency_retention = reader.Duration(object, "idempotencyRetention");
  options.enable_lazy_state = reader.Flag(object, "enableLazyState");
  options.ingress_private = reader.Flag(object, "ingressPrivate");
  options.retry_initial_interval = reader.Duration(object, "retryPolicyInitialInterval");
  options.retry_max_interval = reader.Duration(object, "retryPolicyMaxInterval");
  options.retry_exponentiation_factor = reader.Number(object, "retryPolicyExponentiationFactor");
  if (const auto attempts = reader.Integer(object, "retryPolicyMaxAttempts")) {
    constexpr uint64_t kMax = std::numeric_limits<uint32_t>::max();
    options.retry_max_attempts = static_cast<uint32_t>(std::min(*attempts, kMax));
  }
  if (const auto choice = reader.Choice(object, "retryPolicyOnMaxAttempts", {"PAUSE", "KILL"})) {
    options.retry_on_max_attempts = *choice == 0 ? OnMaxAttempts::kPause : OnMaxAttempts::kKill;
  }
  return options;
}

// One service while it is read: the schema, and what the checks need beside it.
struct HandlerDraft {
  HandlerSchema schema;
  std::optional<GivenType> given_type;
  const Json* input_json_schema = nullptr;
  const Json* output_json_schema = nullptr;
};
struct ServiceDraft {
  ServiceSchema schema;
  std::vector<HandlerDraft> handlers;
};

// A schema counts only beside a content type; without one there is no body to describe.
const Json* SchemaOf(const Json& object, bool has_content_type) {
  const Json& schema = ManifestReader::Member(object, "jsonSchema");
  return has_content_type && !schema.is_null() ? &schema : nullptr;
}

void ReadInput(ManifestReader& reader, const Json& handler, HandlerDraft& out) {
  const Json& input = ManifestReader::Member(handler, "input");
  if (input.is_null() || !reader.IsObject(input, "`input`")) {
    return;
  }
  out.schema.input.declared = true;
  out.schema.input.required = reader.Flag(input, "required").value_or(false);
  out.schema.input.content_type = reader.Text(input, "contentType");
  out.input_json_schema = SchemaOf(input, out.schema.input.content_type.has_value());
  if (out.input_json_schema != nullptr) {
    out.schema.input.json_schema = out.input_json_schema->dump();
  }
}

void ReadOutput(ManifestReader& reader, const Json& handler, HandlerDraft& out) {
  const Json& output = ManifestReader::Member(handler, "output");
  if (output.is_null() || !reader.IsObject(output, "`output`")) {
    return;
  }
  out.schema.output.declared = true;
  out.schema.output.set_content_type_if_empty =
      reader.Flag(output, "setContentTypeIfEmpty").value_or(false);
  out.schema.output.content_type = reader.Text(output, "contentType");
  out.output_json_schema = SchemaOf(output, out.schema.output.content_type.has_value());
  if (out.output_json_schema != nullptr) {
    out.schema.output.json_schema = out.output_json_schema->dump();
  }
}

HandlerDraft ReadHandler(ManifestReader& reader, const Json& object) {
  HandlerDraft draft;
  if (!reader.IsObject(object, "a handler")) {
    return draft;
  }
  draft.schema.name = reader.RequiredText(object, "name");
  if (!IsName(draft.schema.name, "")) {
    reader.Fail(
        "the handler name `" + Excerpt(draft.schema.name, 100) +
        "` doesn't match pattern \"^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9_]*$\"");
  }
  if (const auto type = reader.Choice(object, "ty", {"WORKFLOW", "EXCLUSIVE", "SHARED"})) {
    draft.given_type = static_cast<GivenType>(*type);
  }
  draft.schema.documentation = reader.Text(object, "documentation");
  draft.schema.metadata = reader.TextMap(object, "metadata");
  draft.schema.options = ReadOptions(reader, object);
  draft.schema.options.workflow_completion_retention =
      reader.Duration(object, "workflowCompletionRetention");
  ReadInput(reader, object, draft);
  ReadOutput(reader, object, draft);
  return draft;
}

ServiceDraft ReadService(ManifestReader& reader, const Json& object) {
  ServiceDraft draft;
  if (!reader.IsObject(object, "a service")) {
    return draft;
  }
  draft.schema.name = reader.RequiredText(object, "name");
  if (!IsName(draft.schema.name, ".-")) {
    reader.Fail(
        "the service name `" + Excerpt(draft.schema.name, 100) +
        "` doesn't match pattern \"^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9._-]*$\"");
  }
  const auto type = reader.Choice(object, "ty", {"SERVICE", "VIRTUAL_OBJECT", "WORKFLOW"});
  if (!type.has_value()) {
    reader.Fail("missing field `ty`");
  }
  draft.schema.type = static_cast<ServiceType>(type.value_or(0) + 1);
  draft.schema.documentation = reader.Text(object, "documentation");
  draft.schema.metadata = reader.TextMap(object, "metadata");
  draft.schema.options = ReadOptions(reader, object);
  for (const Json& handler : reader.RequiredArray(object, "handlers")) {
    draft.handlers.push_back(ReadHandler(reader, handler));
  }
  return draft;
}

std::optional<ManifestError> CheckContentTypes(const HandlerSchema& handler) {
  if (handler.input.content_type.has_value()) {
    const std::string& type = *handler.input.content_type;
    const std::string prefix = "the handler '" + handler.name +
                               "' input content-type is not valid: can't parse the content-type '" +
                               Excerpt(type, 200) + "': ";
    const size_t slash = type.find('/');
    if (slash == std::string::npos) {
      return Refused(prefix + "must contain one /");
    }
    if (type.substr(0, slash) == "*" && type.substr(slash + 1) != "*") {
      return Refused(prefix + "the wildcard format */subType is not supported");
    }
  }
  if (handler.output.content_type.has_value()) {
    for (const char c : *handler.output.content_type) {
      if ((c < 0x20 && c != '\t') || c == 0x7f) {
        return Refused(
            "the handler '" + handler.name +
            "' output content-type is not valid: failed to parse header value");
      }
    }
  }
  return std::nullopt;
}

std::optional<ManifestError> CheckSchemas(const std::string& service, const HandlerDraft& draft) {
  const auto check = [&service, &draft](const Json* schema, std::string_view which) {
    std::optional<ManifestError> error;
    if (schema != nullptr) {
      if (const std::optional<std::string> problem = CheckJsonSchema(*schema)) {
        error = Refused(
            "the json schema for " + service + "/" + draft.schema.name + " " + std::string(which) +
            " is invalid: " + *problem);
      }
    }
    return error;
  };
  std::optional<ManifestError> error = check(draft.input_json_schema, "input");
  return error.has_value() ? error : check(draft.output_json_schema, "output");
}

std::optional<ManifestError> CheckHandler(const ServiceSchema& service, HandlerDraft& draft) {
  HandlerSchema& handler = draft.schema;
  const std::optional<HandlerType> type = CombineTypes(service.type, draft.given_type);
  if (!type.has_value()) {
    PERDURE_ASSERT(draft.given_type.has_value());
    return Refused(
        "invalid combination of service type and handler type '(" +
        std::string(TypeName(service.type)) + ", " + std::string(NameOf(*draft.given_type)) + ")'");
  }
  handler.type = *type;
  if (handler.type != HandlerType::kWorkflow &&
      handler.options.workflow_completion_retention.has_value()) {
    return Refused(
        handler.name + " sets the workflow_completion_retention, but it's not a WORKFLOW handler");
  }
  if (handler.type == HandlerType::kWorkflow && handler.options.idempotency_retention.has_value()) {
    return Refused(handler.name + " sets the idempotency_retention, but it's a WORKFLOW handler");
  }
  const bool service_private = service.options.ingress_private.value_or(false);
  if (service_private && !handler.options.ingress_private.value_or(true)) {
    return Refused(
        "The service " + service.name + " is private, but the " + handler.name +
        " is explicitly set as public. This is not supported. Please make the service public, and "
        "hide the individual handlers");
  }
  handler.is_public = !handler.options.ingress_private.value_or(service_private);
  if (auto error = CheckContentTypes(handler)) {
    return error;
  }
  return CheckSchemas(service.name, draft);
}

// The finished service, handlers by name (the last of a name wins).
std::variant<ServiceSchema, ManifestError> FinishService(ServiceDraft draft) {
  ServiceSchema& service = draft.schema;
  if (IsReservedService(service.name)) {
    return ManifestError{
        400,
        "META0005",
        "cannot insert/modify service '" + service.name + "' as it contains a reserved name",
        false};
  }
  service.is_public = !service.options.ingress_private.value_or(false);
  for (HandlerDraft& handler : draft.handlers) {
    if (auto error = CheckHandler(service, handler)) {
      return *std::move(error);
    }
    std::string name = handler.schema.name;
    service.handlers.insert_or_assign(std::move(name), std::move(handler.schema));
  }
  return std::move(service);
}

std::optional<ManifestError> CheckContentType(std::optional<std::string_view> content_type) {
  const std::string expected(kDiscoveryAccept);
  if (!content_type.has_value()) {
    return BadResponse(
        "No content type header was specified. Expected one of '\"" + expected +
        "\"' content type.");
  }
  if (std::find(kContentTypes.begin(), kContentTypes.end(), *content_type) == kContentTypes.end()) {
    return BadResponse(
        "Bad content type header: \"" + Excerpt(*content_type, 200) + "\". Expected one of '\"" +
        expected + "\"'");
  }
  return std::nullopt;
}

std::optional<ManifestError> CheckVersions(uint64_t min, uint64_t max, int offered) {
  if (min > max) {
    return BadResponse(
        "Expected min protocol version to be <= max protocol version. Received min protocol "
        "version '" +
        std::to_string(min) + "', max protocol version '" + std::to_string(max) + "'");
  }
  if (max > kVersionMax) {
    return BadResponse("max protocol version must be in [1, 2147483647]");
  }
  // An SDK that speaks only versions we do not offer could never be called (service protocol
  // 11-23).
  if (min > static_cast<uint64_t>(offered) || max < kProtocolVersionMin) {
    const int highest =
        min == kProtocolVersionExperimental ? offered : kProtocolVersionExperimental;
    return ManifestError{
        500,
        "META0012",
        "unsupported service protocol versions: [" + std::to_string(min) + ", " +
            std::to_string(max) + "]. Supported versions by this runtime are [" +
            std::to_string(kProtocolVersionMin) + ", " + std::to_string(highest) +
            "]. Please upgrade the SDK and try registering again.",
        true};
  }
  return std::nullopt;
}

}  // namespace

std::string ManifestError::FullMessage() const {
  if (code.empty()) {
    return message;
  }
  const std::string prefix = "[" + std::string(code) + "] ";
  return (from_discovery ? prefix + prefix : prefix) + message;
}

ManifestResult ParseManifest(
    std::optional<std::string_view> content_type, BytesView body, int protocol_version_max) {
  if (auto error = CheckContentType(content_type)) {
    return *std::move(error);
  }
  const Json root = Json::parse(body.begin(), body.end(), nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) {
    return Undecodable("it is not valid JSON", body);
  }
  ManifestReader reader;
  std::vector<ServiceDraft> drafts;
  uint64_t min_version = 0;
  uint64_t max_version = 0;
  std::optional<size_t> mode;
  if (reader.IsObject(root, "the manifest")) {
    mode = reader.Choice(root, "protocolMode", {"BIDI_STREAM", "REQUEST_RESPONSE"});
    min_version = reader.RequiredInteger(root, "minProtocolVersion");
    max_version = reader.RequiredInteger(root, "maxProtocolVersion");
    reader.Choice(root, "lambdaCompression", {"zstd"});
    for (const Json& service : reader.RequiredArray(root, "services")) {
      drafts.push_back(ReadService(reader, service));
    }
    if (min_version == 0 || max_version == 0) {
      reader.Fail("invalid protocol version 0, expected a positive integer");
    }
  }
  if (!reader.ok()) {
    return Undecodable(reader.reason(), body);
  }
  if (!mode.has_value()) {
    return BadResponse("missing protocol mode");
  }
  if (auto error = CheckVersions(min_version, max_version, protocol_version_max)) {
    return *std::move(error);
  }
  Manifest manifest;
  manifest.min_protocol_version = static_cast<int>(min_version);
  manifest.max_protocol_version = static_cast<int>(max_version);
  manifest.bidirectional = *mode == 0;
  std::map<std::string, size_t, std::less<>> positions;  // the last service of a name wins
  for (ServiceDraft& draft : drafts) {
    std::variant<ServiceSchema, ManifestError> finished = FinishService(std::move(draft));
    if (auto* error = std::get_if<ManifestError>(&finished)) {
      return std::move(*error);
    }
    ServiceSchema& service = std::get<ServiceSchema>(finished);
    const auto [position, is_new] = positions.emplace(service.name, manifest.services.size());
    if (is_new) {
      manifest.services.push_back(std::move(service));
    } else {
      manifest.services[position->second] = std::move(service);
    }
  }
  return manifest;
}

}  // namespace perdure
