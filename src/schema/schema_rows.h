// SPDX-License-Identifier: Apache-2.0
//
// Rows of the metadata partition: one per deployment, in Family::kMeta (src/schema/FORMAT.md). A
// row holds what was announced; resolved values are not stored, they follow from the settings of
// the process that reads the row.
#pragma once

#include "perdure/schema/schema.h"
#include "perdure/store/state.h"

#include <string>
#include <vector>

namespace perdure {

// Every key of this partition begins with this byte. ON DISK: do not change.
inline constexpr char kSchemaKeyPrefix = 'D';

std::string DeploymentKey(const DeploymentId& id);
std::string EncodeDeployment(const DeploymentSchema& deployment);

// All rows, in id order. A row that makes no sense ends the process.
std::vector<DeploymentSchema> ReadDeployments(const StateReader& reader);

}  // namespace perdure
