// Used while TensorFlow is loaded, when its libraries log before anything can stop them: hold(file) redirects the
// process's stderr to a file, release() restores it.
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

static int terminal = -1;

static napi_value hold(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  char file[4096];
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_string_utf8(env, argument, file, sizeof file, nullptr);
  int log = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (log < 0) {
    napi_throw_error(env, nullptr, "cannot write the log");
    return nullptr;
  }
  terminal = fcntl(2, F_DUPFD_CLOEXEC, 3);
  dup2(log, 2);
  close(log);
  return nullptr;
}

static napi_value release(napi_env, napi_callback_info) {
  dup2(terminal, 2);
  close(terminal);
  return nullptr;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "hold", NAPI_AUTO_LENGTH, hold, nullptr, &function);
  napi_set_named_property(env, exports, "hold", function);
  napi_create_function(env, "release", NAPI_AUTO_LENGTH, release, nullptr, &function);
  napi_set_named_property(env, exports, "release", function);
  return exports;
}
