/* What training-ops.c compiles once per instruction set. */
#include "products.h"
#include "attention.h"
#include "rows.h"
