# SPDX-License-Identifier: MIT
# What we take from the system, as imported targets:
#
#   CURL::libcurl, ZLIB::ZLIB, Threads::Threads   the library
#   yyjson::yyjson                                the programs
#   PkgConfig::MICROHTTPD, PkgConfig::SQLITE3, OpenSSL::Crypto   collector
#   PkgConfig::CMOCKA                             tests
#
# Only what the chosen parts need is looked for, so that a build of the library
# alone asks for libcurl and zlib and nothing else. What is missing is named
# together with the package that has it.

macro(datalyr_need package)
    if(NOT ${package}_FOUND)
        message(FATAL_ERROR "${package} is missing (Debian: ${ARGN}).\n"
            "  try: tools/install-deps.sh")
    endif()
endmacro()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(CURL 7.87)
datalyr_need(CURL libcurl4-openssl-dev)
find_package(ZLIB)
datalyr_need(ZLIB zlib1g-dev)

if(DATALYR_CLI OR DATALYR_COLLECTOR OR DATALYR_FAULTD OR DATALYR_TESTS OR
   DATALYR_BENCH)
    find_package(PkgConfig)
    datalyr_need(PkgConfig pkg-config)
    include(yyjson)
endif()

if(DATALYR_COLLECTOR)
    pkg_check_modules(MICROHTTPD IMPORTED_TARGET libmicrohttpd>=0.9.71)
    datalyr_need(MICROHTTPD libmicrohttpd-dev)
    pkg_check_modules(SQLITE3 IMPORTED_TARGET sqlite3>=3.35)
    datalyr_need(SQLITE3 libsqlite3-dev)
    find_package(OpenSSL COMPONENTS Crypto)
    datalyr_need(OpenSSL libssl-dev)
endif()

if(DATALYR_TESTS)
    pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka>=1.1.5)
    datalyr_need(CMOCKA libcmocka-dev)
endif()
