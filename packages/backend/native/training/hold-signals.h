/*
 * holdSignals(hold: boolean): while a thread holds them, signals wait, but for those that tell of a fault of its own. Threads
 * that it starts meanwhile hold them for good.
 *
 * oneDNN's products in float32 use the stack pointer as a pointer into their buffers. A signal's frame would be written
 * below it, into memory that belongs to others: a Ctrl-C or a resized terminal could end a run.
 */
#ifndef V_TRIUNE_HOLD_SIGNALS_H
#define V_TRIUNE_HOLD_SIGNALS_H
#include <node_api.h>
#include <signal.h>
#include <stdbool.h>

static _Thread_local sigset_t signals_before;
static _Thread_local bool signals_held;

static napi_value hold_signals(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  bool hold = false;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  napi_get_value_bool(env, argument, &hold);
  if (hold == signals_held) return NULL;
  if (hold) {
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &signals_before);
  } else
    pthread_sigmask(SIG_SETMASK, &signals_before, NULL);
  signals_held = hold;
  return NULL;
}

#endif
