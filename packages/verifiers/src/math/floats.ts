/**
 * The functions of doubles that the evaluators use, by their bare names: a bundler can shorten a name of a module but not a property.
 */
export const {
  E,
  PI,
  abs,
  acos,
  asin,
  atan,
  atan2,
  cos,
  cosh,
  exp,
  floor,
  hypot,
  imul,
  log,
  log2,
  max,
  min,
  round,
  sign,
  sin,
  sinh,
  sqrt,
} = Math;
export const { isFinite, isInteger, isNaN, isSafeInteger } = Number;
