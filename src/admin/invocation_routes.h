// SPDX-License-Identifier: Apache-2.0
//
// Routes about invocations (admin API 8): control goes through the partition that owns the
// invocation, looking goes to the introspection.
#pragma once

#include "admin/call.h"

namespace perdure::admin {

void CancelInvocationRoute(const AdminContext& context, AdminCall call);
void KillInvocationRoute(const AdminContext& context, AdminCall call);
void PauseInvocationRoute(const AdminContext& context, AdminCall call);
void PurgeInvocationRoute(const AdminContext& context, AdminCall call);
void PurgeJournalRoute(const AdminContext& context, AdminCall call);
void ResumeInvocationRoute(const AdminContext& context, AdminCall call);
void RestartInvocationRoute(const AdminContext& context, AdminCall call);

// Ours: the reference has no such GET.
void ListInvocationsRoute(const AdminContext& context, AdminCall call);
void GetInvocationRoute(const AdminContext& context, AdminCall call);

}  // namespace perdure::admin
