# SPDX-License-Identifier: MIT
# How our code is compiled. The flags hang on the interface target dlr_flags,
# which every target of ours links privately, so that a project that adds us as
# a folder is not touched by them.

get_property(is_multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT is_multi_config AND NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "kind of build" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(PROJECT_IS_TOP_LEVEL)
    set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
    set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
    set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
endif()

add_library(dlr_flags INTERFACE)
target_compile_options(dlr_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wswitch-enum
    -Wstrict-prototypes -Wvla -Wformat=2
    -fno-common)
if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    # @threads and @blocks are ours; clang checks the rest of a doc comment.
    target_compile_options(dlr_flags INTERFACE
        -fcomment-block-commands=threads,blocks)
endif()
if(DATALYR_WERROR)
    target_compile_options(dlr_flags INTERFACE -Werror)
endif()

# Sanitizers bring their own checks; _FORTIFY_SOURCE would hide some of them.
if(DATALYR_SANITIZE)
    target_compile_options(dlr_flags INTERFACE
        -fsanitize=${DATALYR_SANITIZE} -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
    target_link_options(dlr_flags INTERFACE -fsanitize=${DATALYR_SANITIZE})
elseif(DATALYR_HARDENING)
    target_compile_options(dlr_flags INTERFACE -fstack-protector-strong
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
        $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
    target_link_options(dlr_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
if(DATALYR_FUZZ)
    target_compile_options(dlr_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(DATALYR_COVERAGE)
    target_compile_options(dlr_flags INTERFACE --coverage)
    target_link_options(dlr_flags INTERFACE --coverage)
endif()
