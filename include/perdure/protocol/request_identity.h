// SPDX-License-Identifier: Apache-2.0
//
// Proof towards services that a request comes from this server (service protocol 6): a signed token
// per request, which the SDKs check against the public key that their users wrote down.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/base/result.h"
#include "perdure/http/message.h"

#include <memory>
#include <string>
#include <string_view>

namespace perdure {

// Thread: any.
class RequestIdentity {
 public:
  virtual ~RequestIdentity() = default;
  // "publickeyv1_...", as SDKs want it in their list of keys.
  virtual const std::string& public_key() const = 0;
  // Adds the two headers. `path`: what is asked for, without the prefix of the deployment and
  // without its query. `key`: of the object or workflow; empty: there is none.
  virtual void Sign(
      std::string_view path, std::string_view key, TimeMs now, HttpHeaders* headers) const = 0;
};

// `pem`: one Ed25519 private key (PKCS#8) without a password. A token is valid from `validity`
// before to `validity` after its making; REQUIRES: at least a second.
Result<std::shared_ptr<const RequestIdentity>> MakeRequestIdentity(
    std::string_view pem, DurationMs validity);

}  // namespace perdure
