#ifndef MICRO_LOG_H_
#define MICRO_LOG_H_

void MicroPrintf(const char* format, ...) __attribute__((format(printf, 1, 2)));

#endif  // MICRO_LOG_H_
