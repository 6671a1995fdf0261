/* What training-ops.c compiles once per instruction set. */
#include "products.h"
#include "attention.h"
#include "rows.h"
#include "log-probs.h"
#include "adamw.h"
#include "squares.h"
#include "low-rank.h"
