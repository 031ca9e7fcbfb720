# SPDX-License-Identifier: MIT
# yyjson::yyjson, the JSON reader of the command line and the collector.
# The system's is taken where there is one. Debian 12 has none: there
# tools/fetch-yyjson.sh unpacks the source of the next release's package into
# the build folder and it is compiled here. Linked statically either way it can
# be, so that installed programs need nothing that is not installed with them.

pkg_check_modules(YYJSON QUIET IMPORTED_TARGET yyjson>=0.9)
if(YYJSON_FOUND)
    add_library(yyjson::yyjson ALIAS PkgConfig::YYJSON)
    return()
endif()

set(yyjson_folder "${PROJECT_SOURCE_DIR}/build/third_party/yyjson")
if(NOT EXISTS "${yyjson_folder}/src/yyjson.c")
    execute_process(
        COMMAND "${PROJECT_SOURCE_DIR}/tools/fetch-yyjson.sh" "${yyjson_folder}"
        RESULT_VARIABLE yyjson_result)
    if(NOT yyjson_result EQUAL 0)
        message(FATAL_ERROR "yyjson is neither installed nor to be had.\n"
            "  try: tools/fetch-yyjson.sh ${yyjson_folder}")
    endif()
endif()

# Foreign code: our warnings are not for it, nor is the sanitizer of undefined
# behaviour (which takes a minute to compile it). The others are, or a bad
# access to a buffer of ours would be missed.
add_library(dlr_yyjson STATIC "${yyjson_folder}/src/yyjson.c")
target_include_directories(dlr_yyjson SYSTEM INTERFACE "${yyjson_folder}/src")
set_target_properties(dlr_yyjson PROPERTIES POSITION_INDEPENDENT_CODE ON)
string(REGEX REPLACE ",?undefined" "" yyjson_sanitize "${DATALYR_SANITIZE}")
if(yyjson_sanitize)
    target_compile_options(dlr_yyjson PRIVATE -fsanitize=${yyjson_sanitize})
endif()
add_library(yyjson::yyjson ALIAS dlr_yyjson)
