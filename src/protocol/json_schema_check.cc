// SPDX-License-Identifier: Apache-2.0
//
// Keyword forms of JSON schema draft 2020-12, by table: which keywords hold schemas, which hold
// lists or maps of them, which hold numbers, texts and so on. Unknown keywords are annotations.
#include "protocol/json_schema_check.h"

#include "base/utf8.h"

#include <nlohmann/json.hpp>

#include <string_view>

namespace perdure {
namespace {

using nlohmann::json;

// Deeper schemas are refused: a check that recurses needs a bound.
constexpr int kDepthMax = 128;

enum class Form {
  kSchema,
  kSchemaList,  // not empty
  kSchemaMap,
  kText,
  kTextList,
  kNumber,
  kCount,  // a non-negative integer
  kFlag,
  kList,
};

struct Keyword {
  std::string_view name;
  Form form;
};

constexpr Keyword kKeywords[] = {
    {"additionalProperties", Form::kSchema},
    {"contains", Form::kSchema},
    {"contentSchema", Form::kSchema},
    {"else", Form::kSchema},
    {"if", Form::kSchema},
    {"items", Form::kSchema},
    {"not", Form::kSchema},
    {"propertyNames", Form::kSchema},
    {"then", Form::kSchema},
    {"unevaluatedItems", Form::kSchema},
    {"unevaluatedProperties", Form::kSchema},
    {"allOf", Form::kSchemaList},
    {"anyOf", Form::kSchemaList},
    {"oneOf", Form::kSchemaList},
    {"prefixItems", Form::kSchemaList},
    {"$defs", Form::kSchemaMap},
    {"definitions", Form::kSchemaMap},
    {"dependentSchemas", Form::kSchemaMap},
    {"patternProperties", Form::kSchemaMap},
    {"properties", Form::kSchemaMap},
    {"$anchor", Form::kText},
    {"$comment", Form::kText},
    {"$dynamicAnchor", Form::kText},
    {"$dynamicRef", Form::kText},
    {"$id", Form::kText},
    {"$ref", Form::kText},
    {"$schema", Form::kText},
    {"contentEncoding", Form::kText},
    {"contentMediaType", Form::kText},
    {"description", Form::kText},
    {"format", Form::kText},
    {"pattern", Form::kText},
    {"title", Form::kText},
    {"required", Form::kTextList},
    {"exclusiveMaximum", Form::kNumber},
    {"exclusiveMinimum", Form::kNumber},
    {"maximum", Form::kNumber},
    {"minimum", Form::kNumber},
    {"multipleOf", Form::kNumber},
    {"maxContains", Form::kCount},
    {"maxItems", Form::kCount},
    {"maxLength", Form::kCount},
    {"maxProperties", Form::kCount},
    {"minContains", Form::kCount},
    {"minItems", Form::kCount},
    {"minLength", Form::kCount},
    {"minProperties", Form::kCount},
    {"deprecated", Form::kFlag},
    {"readOnly", Form::kFlag},
    {"uniqueItems", Form::kFlag},
    {"writeOnly", Form::kFlag},
    {"enum", Form::kList},
    {"examples", Form::kList},
};

constexpr std::string_view kTypes[] = {
    "array", "boolean", "integer", "null", "number", "object", "string"};

using Problem = std::optional<std::string>;

std::string Quoted(const json& value) {
  constexpr size_t kShownMax = 200;
  return Excerpt(value.dump(-1, ' ', false, json::error_handler_t::replace), kShownMax);
}

bool IsTypeName(const json& value) {
  if (!value.is_string()) {
    return false;
  }
  for (const std::string_view type : kTypes) {
    if (value.get_ref<const std::string&>() == type) {
      return true;
    }
  }
  return false;
}

Problem CheckType(const json& value) {
  bool fits = IsTypeName(value);
  if (value.is_array() && !value.empty()) {
    fits = true;
    for (const json& item : value) {
      fits = fits && IsTypeName(item);
    }
  }
  if (fits) {
    return std::nullopt;
  }
  return Quoted(value) + " is not a type or a list of types";
}

bool HasForm(const json& value, Form form) {
  switch (form) {
    case Form::kSchema:
      return value.is_object() || value.is_boolean();
    case Form::kSchemaList:
      return value.is_array() && !value.empty();
    case Form::kSchemaMap:
      return value.is_object();
    case Form::kText:
      return value.is_string();
    case Form::kTextList:
      if (!value.is_array()) {
        return false;
      }
      for (const json& item : value) {
        if (!item.is_string()) {
          return false;
        }
      }
      return true;
    case Form::kNumber:
      return value.is_number();
    case Form::kCount:
      return value.is_number_unsigned();
    case Form::kFlag:
      return value.is_boolean();
    case Form::kList:
      return value.is_array();
  }
  return false;
}

class SchemaChecker {
 public:
  explicit SchemaChecker(const json& root) : root_(root) {}

  Problem Check(const json& schema, int depth) const {
    if (depth > kDepthMax) {
      return "it is nested deeper than " + std::to_string(kDepthMax) + " levels";
    }
    if (schema.is_boolean()) {
      return std::nullopt;
    }
    if (!schema.is_object()) {
      return Quoted(schema) + " is not of types \"boolean\", \"object\"";
    }
    if (const auto type = schema.find("type"); type != schema.end()) {
      if (Problem problem = CheckType(*type)) {
        return problem;
      }
    }
    for (const Keyword& keyword : kKeywords) {
      const auto value = schema.find(std::string(keyword.name));
      if (value == schema.end()) {
        continue;
      }
      if (!HasForm(*value, keyword.form)) {
        return Quoted(*value) + " is not a valid '" + std::string(keyword.name) + "'";
      }
      if (Problem problem = CheckInner(*value, keyword.form, depth)) {
        return problem;
      }
    }
    return CheckReference(schema);
  }

 private:
  Problem CheckInner(const json& value, Form form, int depth) const {
    if (form == Form::kSchema) {
      return Check(value, depth + 1);
    }
    if (form == Form::kSchemaList || form == Form::kSchemaMap) {
      for (const json& inner : value) {
        if (Problem problem = Check(inner, depth + 1)) {
          return problem;
        }
      }
    }
    return std::nullopt;
  }

  // References must stay inside the schema; pointers must lead somewhere.
  Problem CheckReference(const json& schema) const {
    const auto found = schema.find("$ref");
    if (found == schema.end()) {
      return std::nullopt;
    }
    const auto& reference = found->get_ref<const std::string&>();
    if (reference.empty() || reference.front() != '#') {
      // A relative or absolute reference may still name an $id of this very schema.
      return HasId(root_, reference, 0)
                 ? std::nullopt
                 : Problem(
                       "the schema contains an external reference " + reference +
                       ". This is not supported, all schemas uploaded to Restate should be "
                       "normalized first, bundling the external references.");
    }
    if (reference.size() == 1 || reference[1] != '/' || Resolves(reference.substr(1))) {
      return std::nullopt;
    }
    return "Pointer '" + reference.substr(1) + "' does not exist";
  }

  // Walks a JSON pointer ("/a~1b/0") from the root.
  bool Resolves(std::string_view pointer) const {
    const json* at = &root_;
    while (!pointer.empty()) {
      pointer.remove_prefix(1);
      const size_t slash = pointer.find('/');
      const std::string token = Unescape(pointer.substr(0, slash));
      pointer = slash == std::string_view::npos ? std::string_view() : pointer.substr(slash);
      if (at->is_object() && at->contains(token)) {
        at = &at->at(token);
      } else if (at->is_array() && IsIndexOf(token, at->size())) {
        at = &at->at(static_cast<size_t>(std::stoul(token)));
      } else {
        return false;
      }
    }
    return true;
  }

  static bool IsIndexOf(const std::string& token, size_t size) {
    return !token.empty() && token.size() < 10 &&
           token.find_first_not_of("0123456789") == std::string::npos && std::stoul(token) < size;
  }

  // Both escapes of pointers: "~0", "~1", and percent-encoding, since the pointer is in a URI.
  static std::string Unescape(std::string_view token) {
    const auto hex = [](char c) {
      if (c >= '0' && c <= '9') {
        return c - '0';
      }
      const char lower = static_cast<char>(c | 0x20);
      return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    };
    std::string out;
    for (size_t i = 0; i < token.size(); ++i) {
      if (token[i] == '%' && i + 2 < token.size() && hex(token[i + 1]) >= 0 &&
          hex(token[i + 2]) >= 0) {
        out += static_cast<char>(hex(token[i + 1]) * 16 + hex(token[i + 2]));
        i += 2;
      } else if (token[i] == '~' && i + 1 < token.size() && token[i + 1] <= '1') {
        out += token[i + 1] == '0' ? '~' : '/';
        ++i;
      } else {
        out += token[i];
      }
    }
    return out;
  }

  static bool HasId(const json& value, const std::string& reference, int depth) {
    if (depth > kDepthMax || reference.empty()) {
      return false;
    }
    if (value.is_object()) {
      const auto id = value.find("$id");
      if (id != value.end() && *id == reference.substr(0, reference.find('#'))) {
        return true;
      }
    }
    if (!value.is_structured()) {
      return false;
    }
    for (const json& inner : value) {
      if (HasId(inner, reference, depth + 1)) {
        return true;
      }
    }
    return false;
  }

  const json& root_;
};

}  // namespace

std::optional<std::string> CheckJsonSchema(const json& schema) {
  return SchemaChecker(schema).Check(schema, 0);
}

}  // namespace perdure
