# SPDX-License-Identifier: Apache-2.0
# Third-party libraries, as INTERFACE targets. Static archives where Debian has them: the binary needs
# glibc, libstdc++, libgcc and OpenSSL at run time, nothing else.
find_package(OpenSSL REQUIRED)
find_package(Protobuf REQUIRED)
find_package(Boost 1.81 REQUIRED)

# name, header to look for, archives in link order
function(perdure_static_library name)
  cmake_parse_arguments(ARG "" "" "ARCHIVES" ${ARGN})
  add_library(${name} INTERFACE)
  foreach(archive ${ARG_ARCHIVES})
    string(MAKE_C_IDENTIFIER "PERDURE_ARCHIVE_${archive}" variable)
    find_library(${variable} NAMES ${archive} REQUIRED)
    target_link_libraries(${name} INTERFACE ${${variable}})
  endforeach()
endfunction()

perdure_static_library(
  rocksdb
  ARCHIVES librocksdb.a libsnappy.a libzstd.a liblz4.a libbz2.a libz.a)
target_link_libraries(rocksdb INTERFACE ${CMAKE_DL_LIBS})
perdure_static_library(nghttp2 ARCHIVES libnghttp2.a)
perdure_static_library(protobuf_static ARCHIVES libprotobuf.a)
target_link_libraries(protobuf_static INTERFACE libz_for_protobuf)
perdure_static_library(libz_for_protobuf ARCHIVES libz.a)

add_library(boost INTERFACE)
target_include_directories(boost SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
target_compile_definitions(boost INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                                           BOOST_ASIO_NO_DEPRECATED)

# Debian ships no static archive of these: header-only, each in one source file.
add_library(spdlog_header_only INTERFACE)
target_compile_definitions(spdlog_header_only INTERFACE SPDLOG_FMT_EXTERNAL FMT_HEADER_ONLY)
add_library(xxhash INTERFACE)
add_library(tomlplusplus INTERFACE)
add_library(nlohmann_json INTERFACE)
