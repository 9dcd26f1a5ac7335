// Names of what is compiled once for each processor level: LEVEL_NAME(kernels) is kernels_v3 where LEVEL is v3.
#pragma once
#define LEVEL_JOIN(name, level) name##_##level
#define LEVEL_EXPAND(name, level) LEVEL_JOIN(name, level)
#define LEVEL_NAME(name) LEVEL_EXPAND(name, LEVEL)
#define LEVEL_QUOTE(level) #level
#define LEVEL_TEXT(level) LEVEL_QUOTE(level)
