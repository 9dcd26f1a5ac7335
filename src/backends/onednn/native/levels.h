// Names of what is compiled once per processor level: LEVEL_NAME(kernels) is kernels_v3 if LEVEL is v3.
#pragma once
#include "dot.h"
#include "kernels.h"
#include "winograd.h"
#define LEVEL_JOIN(name, level) name##_##level
#define LEVEL_EXPAND(name, level) LEVEL_JOIN(name, level)
#define LEVEL_NAME(name) LEVEL_EXPAND(name, LEVEL)
#define LEVEL_QUOTE(level) #level
#define LEVEL_TEXT(level) LEVEL_QUOTE(level)

extern const Kernels LEVEL_NAME(kernels);
extern const ElementwiseKernels LEVEL_NAME(elementwise);
extern const BatchNormKernels LEVEL_NAME(batch_norm);
extern const PoolingKernels LEVEL_NAME(pooling);
extern const Pool2DKernels LEVEL_NAME(pool2d);
extern const LrnKernels LEVEL_NAME(lrn);
extern const ClassifierKernels LEVEL_NAME(classifier);
extern const UpdateKernels LEVEL_NAME(updates);
extern const BatchKernels LEVEL_NAME(batch);
extern const WinogradKernels LEVEL_NAME(winograd);
extern const DotKernels LEVEL_NAME(dot);
