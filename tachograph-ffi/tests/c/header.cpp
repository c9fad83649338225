// The header as C++ sees it: a std::string_view that is no string of C is a text.
#include "tachograph.h"

#include <memory>
#include <string>

struct Free {
    void operator()(TachographRegistry *registry) const { tachograph_registry_free(registry); }
    void operator()(TachographHistogram *histogram) const { tachograph_histogram_free(histogram); }
    void operator()(TachographBody *body) const { tachograph_body_free(body); }
};

int main() {
    std::unique_ptr<TachographRegistry, Free> registry(tachograph_registry_new());
    const std::string_view name = std::string_view("wait_seconds and more").substr(0, 12);
    const double bounds[] = {0.005, 0.1};
    TachographBuckets buckets{};
    buckets.size = sizeof buckets;
    buckets.bounds = bounds;
    buckets.count = 2;
    std::unique_ptr<TachographHistogram, Free> wait(
        tachograph_histogram_new(registry.get(), tachograph_str(name), tachograph_str("Time in the queue."), &buckets));
    tachograph_histogram_observe(wait.get(), 5000000);
    std::unique_ptr<TachographBody, Free> body(tachograph_registry_render(registry.get(), tachograph_str(""), tachograph_str("")));
    const std::string text(reinterpret_cast<const char *>(tachograph_body_data(body.get())), tachograph_body_len(body.get()));
    return text.find("\nwait_seconds_bucket{le=\"0.005\"} 1\n") == std::string::npos;
}
