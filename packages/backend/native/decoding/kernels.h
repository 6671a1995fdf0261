/* What decode-kernels.c compiles once per instruction set. */
#include "decode-step.h"
#include "draw.h"
