# SPDX-License-Identifier: Apache-2.0
# One INTERFACE target carries includes, flags and sanitizers.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(PERDURE_CCACHE ccache)
if(PERDURE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${PERDURE_CCACHE})
endif()

add_library(perdure_options INTERFACE)
target_include_directories(perdure_options INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
target_compile_options(
  perdure_options
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
            -Wold-style-cast -Woverloaded-virtual -Wcast-align -Wdouble-promotion -Wformat=2
            -Wimplicit-fallthrough -Wextra-semi -Wundef -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # -Wrestrict and -Wmaybe-uninitialized have false positives in g++ 12 at -O2 and above.
  target_compile_options(
    perdure_options INTERFACE -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wno-restrict
                              -Wno-maybe-uninitialized)
endif()
if(PERDURE_WERROR)
  target_compile_options(perdure_options INTERFACE -Werror)
endif()
if(PERDURE_SANITIZE)
  target_compile_options(perdure_options INTERFACE -fsanitize=${PERDURE_SANITIZE}
                                                   -fno-sanitize-recover=all)
  target_link_options(perdure_options INTERFACE -fsanitize=${PERDURE_SANITIZE})
endif()
find_program(PERDURE_LLD ld.lld)
if(PERDURE_LLD)
  target_link_options(perdure_options INTERFACE -fuse-ld=lld)
endif()
find_package(Threads REQUIRED)
target_link_libraries(perdure_options INTERFACE Threads::Threads)
