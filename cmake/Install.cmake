# SPDX-License-Identifier: MIT
# make install: the library in both forms with its pkg-config files and CMake
# package, the programs, and what packaging/ and docs/man hold. Nothing that is
# installed knows the prefix it was configured with except the service unit, so
# a DESTDIR or another --prefix at install time works.
include(CMakePackageConfigHelpers)

if(NOT TARGET datalyr_shared)
    return()
endif()

install(FILES "${PROJECT_SOURCE_DIR}/include/datalyr.h"
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# Two sets, because only the static form asks its user for libcurl and zlib.
install(TARGETS datalyr_shared EXPORT datalyr_shared
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS datalyr_static EXPORT datalyr_static
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/datalyr)
foreach(kind shared static)
    install(EXPORT datalyr_${kind} NAMESPACE datalyr::
        DESTINATION ${package_folder} FILE datalyr-${kind}.cmake)
endforeach()
configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/datalyr-config.cmake.in"
    "${PROJECT_BINARY_DIR}/package/datalyr-config.cmake"
    INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/package/datalyr-config-version.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES
    "${PROJECT_BINARY_DIR}/package/datalyr-config.cmake"
    "${PROJECT_BINARY_DIR}/package/datalyr-config-version.cmake"
    DESTINATION ${package_folder})

# From lib/pkgconfig back to the prefix: one step per folder.
string(REGEX REPLACE "[^/]+" ".." PC_PREFIX "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
foreach(name libdatalyr libdatalyr-static)
    configure_file("${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in"
        "${PROJECT_BINARY_DIR}/package/${name}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/package/${name}.pc"
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

foreach(program datalyr datalyrd datalyr-faultd)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endforeach()

if(TARGET datalyrd)
    configure_file("${PROJECT_SOURCE_DIR}/packaging/datalyrd.service.in"
        "${PROJECT_BINARY_DIR}/package/datalyrd.service" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/package/datalyrd.service"
        DESTINATION lib/systemd/system)
endif()

foreach(section 1 3 5 7 8)
    file(GLOB pages CONFIGURE_DEPENDS
        "${PROJECT_SOURCE_DIR}/docs/man/*.${section}")
    if(pages)
        install(FILES ${pages}
            DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    endif()
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION ${CMAKE_INSTALL_DOCDIR})
