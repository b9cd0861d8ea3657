// SPDX-License-Identifier: Apache-2.0
//
// The small messages that sit inside others (service protocol 2.5): Value, Failure, Header. Reading
// breaks the outer reader if the inner message does not make sense.
#pragma once

#include "perdure/protocol/messages.h"
#include "protocol/wire_reader.h"
#include "protocol/wire_writer.h"

#include <optional>
#include <string_view>

namespace perdure {

// The current field of `reader` as one of them.
BytesView ReadValue(WireReader& reader);
Failure ReadFailure(WireReader& reader);
Header ReadHeader(WireReader& reader);

// Writes a member of a oneof, also an empty one.
void WriteValue(WireWriter& writer, uint32_t field, BytesView value);
void WriteFailure(WireWriter& writer, uint32_t field, const Failure& failure);
void WriteHeader(WireWriter& writer, uint32_t field, const Header& header);

}  // namespace perdure
