// SPDX-License-Identifier: Apache-2.0
//
// A callable that can be moved but not copied (the standard one comes with C++23). Calling an empty
// one is a broken invariant.
#pragma once

#include "perdure/base/assert.h"

#include <memory>
#include <type_traits>
#include <utility>

namespace perdure {

template <typename Signature>
class MoveFunction;

template <typename R, typename... Args>
class MoveFunction<R(Args...)> {
 public:
  MoveFunction() = default;

  template <typename F>
  requires(!std::is_same_v<std::decay_t<F>, MoveFunction>)
      MoveFunction(F&& f)  // NOLINT: implicit, as for std::function
      : impl_(std::make_unique<Impl<std::decay_t<F>>>(std::forward<F>(f))) {}

  R operator()(Args... args) {
    PERDURE_ASSERT(impl_ != nullptr);
    return impl_->Call(std::forward<Args>(args)...);
  }
  explicit operator bool() const { return impl_ != nullptr; }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual R Call(Args... args) = 0;
  };
  template <typename F>
  class Impl final : public Base {
   public:
    explicit Impl(F f) : f_(std::move(f)) {}
    R Call(Args... args) override { return f_(std::forward<Args>(args)...); }

   private:
    F f_;
  };
  std::unique_ptr<Base> impl_;
};

}  // namespace perdure
