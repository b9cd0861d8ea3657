// SPDX-License-Identifier: Apache-2.0
//
// `std::visit(Overloaded{...}, variant)`, with the deduction guide clang 14 needs.
#pragma once

namespace perdure {

template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace perdure
