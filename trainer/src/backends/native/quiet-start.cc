// An addon that is loaded before TensorFlow's. The library prints a note on oneDNN while it is
// being loaded, before it has read TF_CPP_MIN_LOG_LEVEL, so it is loaded here, unheard.

#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

#include <cstdlib>

NAPI_MODULE_INIT() {
  const char* level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  if (level == nullptr || std::atoi(level) < 1) return exports;

  const int heard = dup(STDERR_FILENO);
  const int unheard = open("/dev/null", O_WRONLY);
  if (heard >= 0 && unheard >= 0) {
    dup2(unheard, STDERR_FILENO);
    // Kept open. If it fails, the addon that needs the library fails next and says why.
    dlopen(TENSORFLOW_LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    dup2(heard, STDERR_FILENO);
  }
  if (heard >= 0) close(heard);
  if (unheard >= 0) close(unheard);
  return exports;
}
