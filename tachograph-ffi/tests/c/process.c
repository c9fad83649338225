/* What the library promises of the process around it: clients that leave early, a fork, and a library that is closed while it works. */
#include <dlfcn.h>
#include <sys/wait.h>

#include "expect.h"

/* Many answers are asked for, and the connection is gone before they can be written. SIGPIPE is as a C program has it: fatal. */
static void leave_early(uint16_t port) {
    char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (int client = 0; client < 20; client++) {
        int socket = connected(port);
        for (int asked = 0; asked < 50; asked++) {
            if (send(socket, request, sizeof request - 1, MSG_NOSIGNAL) < 0) {
                break;
            }
        }
        struct linger at_once = {.l_onoff = 1, .l_linger = 0};
        EXPECT(client % 2 == 0 || setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
        close(socket);
    }
}

static void child_counts_on(TachographRegistry *registry, TachographCounter *counter, TachographExporter *exporter) {
    int told[2];
    EXPECT(pipe(told) == 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        tachograph_counter_inc(counter);
        char *text = text_of(tachograph_registry_render(registry, tachograph_str(""), tachograph_str("")));
        EXPECT(strstr(text, "\nworks_total 4\n"));
        free(text);
        EXPECT(tachograph_exporter_stop(exporter, NULL) == TACHOGRAPH_STATUS_OTHER_PROCESS);
        EXPECT(write(told[1], "well", 4) == 4);
        _exit(0);
    }
    /* Its status is valgrind's, for whom what the parent's threads had is lost in the child. */
    char word[4];
    close(told[1]);
    EXPECT(read(told[0], word, 4) == 4 && memcmp(word, "well", 4) == 0);
    close(told[0]);
    EXPECT(waitpid(child, NULL, 0) == child);
    EXPECT(tachograph_counter_value(counter) == 3);
}

/* A plugin that a host opens, uses and closes; its snapshot thread goes on. */
static void open_and_close(const char *path) {
    for (int time = 1; time <= 2; time++) {
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        EXPECT(library != NULL);
        TachographRegistry *(*global)(void);
        TachographBody *(*render)(const TachographRegistry *, TachographStr, TachographStr);
        void (*freed)(TachographRegistry *);
        void (*body_freed)(TachographBody *);
        *(void **)&global = dlsym(library, "tachograph_registry_global");
        *(void **)&render = dlsym(library, "tachograph_registry_render");
        *(void **)&freed = dlsym(library, "tachograph_registry_free");
        *(void **)&body_freed = dlsym(library, "tachograph_body_free");
        EXPECT(global && render && freed && body_freed);
        TachographRegistry *registry = global();
        body_freed(render(registry, tachograph_str(""), tachograph_str("")));
        freed(registry);
        EXPECT(dlclose(library) == 0);
        usleep(20000); /* in which a thread without code would crash */
    }
}

int main(int count, char **arguments) {
    EXPECT(count == 2);
    TachographRegistry *registry = tachograph_registry_new();
    TachographCounter *counter = tachograph_counter_new(registry, tachograph_str("works_total"), tachograph_str(""));
    tachograph_counter_inc_by(counter, 3);
    TachographExporter *exporter = tachograph_exporter_start(registry, NULL);
    EXPECT(exporter != NULL);

    TachographExporterOptions options = {.size = sizeof options};
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)tachograph_exporter_port(exporter));
    options.address = tachograph_str(address);
    EXPECT(tachograph_exporter_start(registry, &options) == NULL && tachograph_last_status() == TACHOGRAPH_STATUS_SYSTEM);

    leave_early(tachograph_exporter_port(exporter));
    child_counts_on(registry, counter, exporter);
    open_and_close(arguments[1]);
    char *answer = fetched(tachograph_exporter_port(exporter), "/metrics", "");
    EXPECT(strstr(answer, "\nworks_total 3\n"));
    free(answer);
    size_t cut = 7;
    EXPECT(tachograph_exporter_stop(exporter, &cut) == TACHOGRAPH_STATUS_OK && cut == 0);
    tachograph_counter_free(counter);
    tachograph_registry_free(registry);
    return 0;
}
