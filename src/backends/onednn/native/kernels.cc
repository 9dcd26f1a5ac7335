#include "levels.h"

const Kernels LEVEL_NAME(kernels) = {LEVEL_TEXT(LEVEL),       &LEVEL_NAME(elementwise), &LEVEL_NAME(batch_norm),
                                     &LEVEL_NAME(pooling),    &LEVEL_NAME(pool2d),      &LEVEL_NAME(lrn),
                                     &LEVEL_NAME(classifier), &LEVEL_NAME(updates),     &LEVEL_NAME(batch),
                                     &LEVEL_NAME(winograd),   &LEVEL_NAME(dot)};
