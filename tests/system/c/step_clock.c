/* A clock on the wall that steps: it is an hour behind for as long as the file exists that STEP_BACK names. Other clocks go on as they do.
 * For LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time)
{
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);
    const char *file = getenv("STEP_BACK");
    if (result == 0 && clock == CLOCK_REALTIME && file != NULL && access(file, F_OK) == 0)
        time->tv_sec -= 3600;
    return result;
}
