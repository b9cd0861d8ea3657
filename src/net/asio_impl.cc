// SPDX-License-Identifier: Apache-2.0
//
// The bodies of Asio, compiled once for the whole program (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
#include <boost/version.hpp>

static_assert(BOOST_VERSION >= 108100, "older versions lack what net uses");
