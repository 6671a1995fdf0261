/* Which instructions an addon uses, and how JavaScript reads and chooses them. */
#ifndef V_TRIUNE_USE_INSTRUCTIONS_H
#define V_TRIUNE_USE_INSTRUCTIONS_H
#include <node_api.h>
#include <stdatomic.h>

/* BASE, AVX2 or AVX512. */
static _Atomic int instructions_used;

/* use(index: number): computes with these of `instructions` from now on */
static napi_value use_instructions(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int32_t index = -1;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  napi_get_value_int32(env, argument, &index);
  if (index < BASE || index > best_instructions())
    napi_throw_range_error(env, NULL, "use: the processor has no such instructions");
  else
    atomic_store(&instructions_used, index);
  return NULL;
}

/* Exports `instructions`, the names of those that the processor has, the widest last, and `use`. */
static void export_instructions(napi_env env, napi_value exports) {
  napi_value names, name, use;
  atomic_store(&instructions_used, best_instructions());
  napi_create_array(env, &names);
  for (int i = BASE; i <= best_instructions(); i++) {
    napi_create_string_utf8(env, instruction_names[i], NAPI_AUTO_LENGTH, &name);
    napi_set_element(env, names, (uint32_t)i, name);
  }
  napi_set_named_property(env, exports, "instructions", names);
  napi_create_function(env, "use", NAPI_AUTO_LENGTH, use_instructions, NULL, &use);
  napi_set_named_property(env, exports, "use", use);
}

#endif
