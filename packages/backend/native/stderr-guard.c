/*
 * A second, tiny N-API addon that is loaded before TensorFlow.
 *
 * TensorFlow's libraries write to file descriptor 2 while the dynamic loader initialises them ("oneDNN custom
 * operations are on ..", driver complaints), before any of its log settings apply. capture(path) sends descriptor 2 into
 * a file until release() puts it back, so that the caller decides what a person gets to see. setMinLogLevel(symbol,
 * level) then sets the level inside the loaded library; the symbol's name carries Abseil's release and is found at
 * install time.
 */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

static int saved_stderr = -1;

static napi_value boolean(napi_env env, int value) {
  napi_value result;
  napi_get_boolean(env, value != 0, &result);
  return result;
}

static int text_argument(napi_env env, napi_value value, char *into, size_t size) {
  size_t length;
  return napi_get_value_string_utf8(env, value, into, size, &length) == napi_ok && length + 1 < size;
}

/* capture(path: string): boolean */
static napi_value capture(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  char path[4096];
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (saved_stderr >= 0 || count < 1 || !text_argument(env, argument, path, sizeof path)) return boolean(env, 0);
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return boolean(env, 0);
  saved_stderr = fcntl(2, F_DUPFD_CLOEXEC, 3);
  int done = saved_stderr >= 0 && dup2(file, 2) == 2;
  close(file);
  return boolean(env, done);
}

/* release(): boolean */
static napi_value release(napi_env env, napi_callback_info info) {
  (void)info;
  if (saved_stderr < 0) return boolean(env, 0);
  int done = dup2(saved_stderr, 2) == 2;
  close(saved_stderr);
  saved_stderr = -1;
  return boolean(env, done);
}

/* setMinLogLevel(library: string, symbol: string, level: number): boolean; the library must be loaded already */
static napi_value set_min_log_level(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  char library[4096], symbol[512];
  int32_t level;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (count < 3 || !text_argument(env, arguments[0], library, sizeof library) ||
      !text_argument(env, arguments[1], symbol, sizeof symbol) || napi_get_value_int32(env, arguments[2], &level) != napi_ok)
    return boolean(env, 0);
  void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (!handle) return boolean(env, 0);
  void (*set)(int) = (void (*)(int))dlsym(handle, symbol);
  if (set) set(level);
  dlclose(handle);
  return boolean(env, set != NULL);
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor properties[] = {
      {"capture", NULL, capture, NULL, NULL, NULL, napi_enumerable, NULL},
      {"release", NULL, release, NULL, NULL, NULL, napi_enumerable, NULL},
      {"setMinLogLevel", NULL, set_min_log_level, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties);
  return exports;
}
