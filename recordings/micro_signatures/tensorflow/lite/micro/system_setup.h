#ifndef SYSTEM_SETUP_H_
#define SYSTEM_SETUP_H_

namespace tflite {
void InitializeTarget();
}

#endif  // SYSTEM_SETUP_H_
