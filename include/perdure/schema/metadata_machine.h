// SPDX-License-Identifier: Apache-2.0
//
// The machine of the metadata partition: deployments and services change through its commands, and
// are published as an immutable view once durable.
#pragma once

#include "perdure/core/machine.h"
#include "perdure/schema/publisher.h"
#include "perdure/schema/schema.h"

#include <memory>

namespace perdure {

std::unique_ptr<Machine> MakeMetadataMachine(const SchemaDefaults& defaults);

}  // namespace perdure
