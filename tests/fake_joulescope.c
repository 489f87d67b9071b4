/* A Joulescope behind the functions of libusb that the native driver calls: LD_PRELOAD puts them in front of
 * the libusb that is built into the driver. Requests, messages, calibration and packets of samples are those
 * of the device; the driver itself, its queues, threads and its processing of samples are the real ones.
 *
 * FAKE_JOULESCOPE names a file of lines:
 *   js220           a JS220; without it, a JS110
 *   until SAMPLE CURRENT VOLTAGE GPI0   codes of the converters (14 bits) and the input up to that sample
 *   select N        the JS110's current range at the start (0: the current path is open), the JS220's mode
 *   missing A B     samples from A to B come as 0xffffffff, as the device marks those that it has lost
 *   skip A COUNT    the packet that holds sample A and COUNT - 1 more never arrive (of the JS220: of current)
 *   stall A         no packet from that sample on
 *   unplug A        the device is gone from that sample on
 *   deny            it cannot be opened: no permission
 *   copies N        so many are plugged in
 *   rate HZ         samples per second of real time (2000000)
 * FAKE_JOULESCOPE_LOG names a file to which it writes what was asked of it.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { COMPLETED = 0, TIMED_OUT = 2, CANCELLED = 3, STALL = 4, NO_DEVICE = 5 };
enum { ERROR_ACCESS = -3, ERROR_NOT_FOUND = -5 };
enum { FRAME = 512, SAMPLES = 126, MAX = 64 };

typedef struct { int number; } device;
typedef struct transfer {
    void *handle;
    uint8_t flags, endpoint, type;
    unsigned timeout;
    int status, length, actual_length;
    void (*callback)(struct transfer *);
    void *user_data;
    uint8_t *buffer;
    int iso_packets;
} transfer;
struct entry { transfer *t; int cancelled; uint64_t since_ms; };
typedef int (*hotplug)(void *, device *, int, void *);

static device devices[4] = {{0}, {1}, {2}, {3}};
static struct { uint64_t until; unsigned i, v, gpi; } parts[MAX];
static int part_count, copies = 1, denied, gone, js220;
static uint64_t missing_from, missing_to, skip_at = UINT64_MAX, skip_count, stall_at = UINT64_MAX;
static uint64_t unplug_at = UINT64_MAX;
static double rate = 2e6;
static struct entry pending[256];
static int pending_count;
static hotplug on_hotplug;
static void *on_hotplug_data;
static uint8_t settings[16] = {1, 16, 1}, extio[24] = {1, 24, 3}, loopback[64];
static uint8_t calibration[1024];
static uint32_t calibration_bytes;
static uint64_t sample, started_ns;
static uint16_t packet;
static FILE *logged;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put32(uint8_t *at, uint32_t value) { memcpy(at, &value, 4); }

static void load(void) {
    /* current = (code - 1000) * 1e-6 A in every range, voltage = code * 1e-3 V */
    static const char json[] =
        "{\"current\":{\"offset\":[-1000,-1000,-1000,-1000,-1000,-1000,-1000],"
        "\"gain\":[1e-6,1e-6,1e-6,1e-6,1e-6,1e-6,1e-6]},"
        "\"voltage\":{\"offset\":[0,0],\"gain\":[0.001,0.001]}}";
    uint32_t body = (8 + sizeof json + 4 + 7) & ~7u;
    memcpy(calibration, "\xd3tagfmt \r\n \n  \x1a\x1c", 16);
    calibration_bytes = 32 + body;
    put32(calibration + 16, calibration_bytes);
    calibration[27] = 1;
    memcpy(calibration + 32, "AJS", 3);
    put32(calibration + 36, sizeof json);
    memcpy(calibration + 40, json, sizeof json);
    const char *path = getenv("FAKE_JOULESCOPE"), *log = getenv("FAKE_JOULESCOPE_LOG");
    FILE *file = path ? fopen(path, "r") : NULL;
    char word[32];
    logged = log ? fopen(log, "w") : NULL;
    while (file && fscanf(file, "%31s", word) == 1) {
        unsigned long long a = 0, b = 0;
        if (!strcmp(word, "until") && part_count < MAX) {
            if (fscanf(file, "%llu %u %u %u", &a, &parts[part_count].i, &parts[part_count].v,
                       &parts[part_count].gpi) == 4)
                parts[part_count++].until = a;
        } else if (!strcmp(word, "select") && fscanf(file, "%llu", &a) == 1) settings[9] = (uint8_t)a;
        else if (!strcmp(word, "missing") && fscanf(file, "%llu %llu", &a, &b) == 2) missing_from = a, missing_to = b;
        else if (!strcmp(word, "skip") && fscanf(file, "%llu %llu", &a, &b) == 2) skip_at = a, skip_count = b;
        else if (!strcmp(word, "stall") && fscanf(file, "%llu", &a) == 1) stall_at = a;
        else if (!strcmp(word, "unplug") && fscanf(file, "%llu", &a) == 1) unplug_at = a;
        else if (!strcmp(word, "copies") && fscanf(file, "%llu", &a) == 1) copies = (int)a;
        else if (!strcmp(word, "rate") && fscanf(file, "%lf", &rate) == 1) continue;
        else if (!strcmp(word, "deny")) denied = 1;
        else if (!strcmp(word, "js220")) js220 = 1;
    }
    if (file) fclose(file);
}

static void say(const char *what, unsigned a, unsigned b) {
    if (logged) fprintf(logged, "%s %u %u\n", what, a, b), fflush(logged);
}

/* Devices and what is asked of them once. */

int libusb_init(void **context) { static int any; load(); *context = &any; return 0; }
void libusb_exit(void *context) { (void)context; }
int libusb_set_option(void *context, int option, ...) { (void)context; (void)option; return 0; }
int libusb_has_capability(uint32_t capability) { (void)capability; return 1; }
const char *libusb_error_name(int code) { (void)code; return "FAKE"; }
device *libusb_ref_device(device *d) { return d; }
void libusb_unref_device(device *d) { (void)d; }
int libusb_get_device_speed(device *d) { (void)d; return 3; }

int libusb_hotplug_register_callback(void *context, int events, int flags, int vid, int pid, int kind, hotplug call,
                                     void *data, int *handle) {
    (void)context; (void)events; (void)flags; (void)vid; (void)pid; (void)kind;
    on_hotplug = call, on_hotplug_data = data;
    if (handle) *handle = 1;
    return 0;
}
void libusb_hotplug_deregister_callback(void *context, int handle) { (void)context; (void)handle; on_hotplug = NULL; }

ssize_t libusb_get_device_list(void *context, device ***list) {
    (void)context;
    int count = gone ? 0 : copies;
    *list = calloc((size_t)count + 1, sizeof **list);
    for (int k = 0; k < count; k++) (*list)[k] = &devices[k];
    return count;
}
void libusb_free_device_list(device **list, int unref) { (void)unref; free(list); }

int libusb_get_device_descriptor(device *d, uint8_t *descriptor) {
    (void)d;
    static const uint8_t js110[18] = {18, 1, 0, 2, 0xff, 0, 0, 64, 0xd0, 0x16, 0x88, 0x0e, 0, 1, 1, 2, 3, 1};
    memcpy(descriptor, js110, sizeof js110);
    if (js220) descriptor[10] = 0xba, descriptor[11] = 0x10;
    return 0;
}
int libusb_get_serial_string_descriptor_ascii(device *d, uint8_t *text, int length) {
    return snprintf((char *)text, (size_t)length, "00%04d", d->number + 1);
}
int libusb_get_serial_string_descriptor(device *d, char *text, int length) {
    return libusb_get_serial_string_descriptor_ascii(d, (uint8_t *)text, length);
}
int libusb_get_port_numbers(device *d, uint8_t *ports, int length) {
    (void)length;
    ports[0] = (uint8_t)(d->number + 1);
    return 1;
}

int libusb_open(device *d, void **handle) {
    if (denied) return ERROR_ACCESS;
    say("open", (unsigned)d->number, 0);
    *handle = d;
    return 0;
}
void libusb_close(void *handle) { say("close", (unsigned)((device *)handle)->number, 0); }
int libusb_set_configuration(void *h, int c) { (void)h; (void)c; return 0; }
int libusb_get_configuration(void *h, int *c) { (void)h; *c = 1; return 0; }
int libusb_claim_interface(void *h, int n) { (void)h; (void)n; return 0; }
int libusb_release_interface(void *h, int n) { (void)h; (void)n; return 0; }
int libusb_set_interface_alt_setting(void *h, int n, int alt) { (void)h; (void)n; (void)alt; return 0; }
int libusb_clear_halt(void *h, unsigned char endpoint) { (void)h; (void)endpoint; return 0; }

/* Transfers. */

transfer *libusb_alloc_transfer(int packets) { (void)packets; return calloc(1, sizeof(transfer) + 64); }
void libusb_free_transfer(transfer *t) { free(t); }

int libusb_submit_transfer(transfer *t) {
    if (gone) return -4;
    pending[pending_count++] = (struct entry){t, 0, now_ns() / 1000000};
    return 0;
}
int libusb_cancel_transfer(transfer *t) {
    for (int k = 0; k < pending_count; k++)
        if (pending[k].t == t) { pending[k].cancelled = 1; return 0; }
    return ERROR_NOT_FOUND;
}

/* The driver sleeps until one of these is ready: a clock that ticks every 2 ms. */
static struct pollfd clock_fd = {-1, POLLIN, 0};
const struct pollfd **libusb_get_pollfds(void *context) {
    (void)context;
    if (clock_fd.fd < 0) {
        struct itimerspec every = {{0, 2000000}, {0, 2000000}};
        clock_fd.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
        timerfd_settime(clock_fd.fd, 0, &every, NULL);
    }
    const struct pollfd **fds = calloc(2, sizeof *fds);
    fds[0] = &clock_fd;
    return fds;
}
void libusb_free_pollfds(const struct pollfd **fds) { free((void *)fds); }

static int part_of(uint64_t at) {
    static int part;
    if (part && at < parts[part - 1].until) part = 0;
    while (part + 1 < part_count && at >= parts[part].until) part++;
    return part;
}

/* The JS220: frames of 512 bytes with a number, a length and a port; port 1 carries topics and values. */

enum { PORT_CURRENT = 21, PORT_VOLTAGE = 22, PORT_PIN = 24, JSON = 2, U8 = 8, U32 = 10, I32 = 14 };
static struct { const char *topic, *meta; uint8_t type; uint32_t value; } topics[] = {
    {"s/i/range/mode", "{\"dtype\":\"u8\",\"options\":[[0,\"off\"],[1,\"auto\"],[2,\"manual\"]]}", U8, 0},
    {"c/gpio/vref", "{\"dtype\":\"u8\",\"options\":[[0,\"external\"],[1,\"3v3\"]]}", U8, 1},
    {"s/i/ctrl", "{\"dtype\":\"bool\"}", U8, 0},
    {"s/v/ctrl", "{\"dtype\":\"bool\"}", U8, 0},
    {"s/p/ctrl", "{\"dtype\":\"bool\"}", U8, 0},
    {"s/gpi/0/ctrl", "{\"dtype\":\"bool\"}", U8, 0},
};
enum { MODE, VREF, CURRENT_ON, VOLTAGE_ON, POWER_ON, PIN_ON, TOPICS };
static uint8_t answers[64][FRAME];
static int answer_count;
static uint64_t pin_sample;

static uint8_t *frame(uint8_t *out, unsigned port, unsigned length) {
    put32(out, packet++ | length << 16 | port << 25);
    return out + 4;
}

static void answer(const char *topic, char suffix, uint8_t type, const void *data, unsigned length) {
    uint8_t *out = answers[answer_count++], *body = out + 4;
    memset(out, 0, FRAME);
    snprintf((char *)body, 32, suffix ? "%s%c" : "%s", topic, suffix);
    body[32] = type, body[33] = suffix == '#' ? 0 : 1;
    memcpy(body + 36, data, length);
    put32(out, 1u << 25 | (36 + length) << 16); /* numbered when it is sent */
}

static void connect_220(void) {
    static const uint32_t versions[] = {0x01000000, 0, 0x01030002, 0x01000000, 0x01030001};
    uint8_t *out = answers[answer_count++];
    uint64_t map[4] = {0, 1, 0, 2000000ull << 32};
    memset(out, 0, FRAME);
    out[4] = 1;
    memcpy(out + 8, versions, sizeof versions);
    put32(out, (4 + sizeof versions) << 16);
    out = answers[answer_count++];
    memset(out, 0, FRAME);
    out[4] = 4;
    memcpy(out + 8, map, sizeof map);
    put32(out, (4 + sizeof map) << 16);
}

static void hear_220(const uint8_t *in) {
    const char *topic = (const char *)in + 4;
    uint8_t value[8] = {0};
    uint32_t number;
    memcpy(&number, in + 40, 4);
    if ((in[3] >> 1 & 31) != 1) return;
    if (!strcmp(topic, "$")) {
        for (int k = 0; k < TOPICS; k++)
            answer(topics[k].topic, '$', JSON, topics[k].meta, (unsigned)strlen(topics[k].meta) + 1);
    } else if (!strcmp(topic, "?")) {
        for (int k = 0; k < TOPICS; k++) {
            put32(value, topics[k].value);
            answer(topics[k].topic, '?', topics[k].type, value, 8);
        }
    } else if (!strcmp(topic, "c/!ping")) {
        put32(value, number);
        answer("c/!pong", 0, U32, value, 8);
    } else
        for (int k = 0; k < TOPICS; k++)
            if (!strcmp(topic, topics[k].topic)) {
                topics[k].value = topics[k].type == U8 ? number & 255 : number;
                if (k == MODE || k == VREF) say(topic, topics[k].value, 0);
                answer(topic, '#', I32, value, 8);
            }
}

static int packets_220(uint8_t *buffer, int length) {
    uint64_t due = 10000000 + (uint64_t)((double)(now_ns() - started_ns) * 1e-9 * rate);
    int given = 0, sent = 0;
    for (; sent < answer_count && given + FRAME <= length; sent++, given += FRAME) {
        memcpy(buffer + given, answers[sent], FRAME);
        buffer[given] = (uint8_t)packet, buffer[given + 1] = (uint8_t)(packet >> 8), packet++;
    }
    memmove(answers, answers[sent], sizeof *answers * (size_t)(answer_count -= sent));
    if (!topics[CURRENT_ON].value && !topics[VOLTAGE_ON].value && !topics[PIN_ON].value) {
        sample = pin_sample = 10000000, started_ns = now_ns();
        return given;
    }
    while (given + 3 * FRAME <= length && sample + 2 * SAMPLES <= due) {
        uint64_t from = sample - 10000000;
        if (from + 2 * SAMPLES > stall_at) break;
        if (from >= unplug_at) { gone = 1; break; }
        for (int signal = 0; signal < 2; signal++) {
            if (!topics[CURRENT_ON + signal].value) continue;
            if (!signal && from <= skip_at && skip_at < from + 2 * SAMPLES * skip_count) continue;
            uint8_t *out = frame(buffer + given, signal ? PORT_VOLTAGE : PORT_CURRENT, 4 + 4 * SAMPLES);
            put32(out, (uint32_t)sample);
            for (int k = 0; k < SAMPLES; k++) {
                int n = part_of(from + 2 * (uint64_t)k);
                float x = (float)(signal ? parts[n].v * 1e-3 : ((double)parts[n].i - 1000) * 1e-6);
                memcpy(out + 4 + 4 * k, &x, 4);
            }
            given += FRAME;
        }
        if (sample >= pin_sample + 32 * SAMPLES) {
            if (topics[PIN_ON].value) {
                uint8_t *out = frame(buffer + given, PORT_PIN, 4 + 4 * SAMPLES);
                memset(out, 0, 4 + 4 * SAMPLES);
                put32(out, (uint32_t)pin_sample);
                for (unsigned k = 0; k < 32 * SAMPLES; k++)
                    out[4 + k / 8] |= (uint8_t)(parts[part_of(pin_sample - 10000000 + k)].gpi << k % 8);
                given += FRAME;
            }
            pin_sample += 32 * SAMPLES;
        }
        sample += 2 * SAMPLES;
    }
    return given;
}

static int control(uint8_t *buffer, int *given) {
    int in = buffer[0] & 0x80, length = buffer[6] | buffer[7] << 8, index = buffer[4] | buffer[5] << 8;
    uint8_t *data = buffer + 8, status[104] = {1, 104, 2};
    *given = length;
    if (js220) {
        data[0] = 0;
        answer_count = 0, packet = 0;
        topics[MODE].value = topics[MODE].value ? topics[MODE].value : settings[9];
        if (buffer[1] == 1) connect_220();
        return COMPLETED;
    }
    switch (buffer[1]) {
    case 2:
        if (in) memcpy(data, loopback, sizeof loopback < (size_t)length ? sizeof loopback : (size_t)length);
        else memcpy(loopback, data, sizeof loopback < (size_t)length ? sizeof loopback : (size_t)length);
        return COMPLETED;
    case 3:
        if (in) { memcpy(data, settings, 16); *given = 16; return COMPLETED; }
        if ((data[12] & 3) == 3 && (settings[12] & 3) != 3) sample = 0, packet = 0, started_ns = now_ns();
        memcpy(settings, data, 16);
        say("settings", settings[9], settings[12]);
        return COMPLETED;
    case 4: memcpy(data, status, sizeof status); *given = sizeof status; return COMPLETED;
    case 8:
        if (index + length > (int)calibration_bytes) *given = (int)calibration_bytes - index;
        memcpy(data, calibration + index, (size_t)*given);
        return COMPLETED;
    case 9:
        if (in) { memcpy(data, extio, 24); *given = 24; return COMPLETED; }
        memcpy(extio, data, 24);
        say("extio", extio[10], (unsigned)(extio[20] | extio[21] << 8));
        return COMPLETED;
    default: return STALL;
    }
}

static int packets(uint8_t *buffer, int length) {
    uint64_t due = (uint64_t)((double)(now_ns() - started_ns) * 1e-9 * rate);
    int given = 0;
    if ((settings[12] & 3) != 3) return 0;
    while (given + FRAME <= length && sample + SAMPLES <= due && sample + SAMPLES <= stall_at) {
        uint8_t *out = buffer + given;
        if (sample <= skip_at && skip_at < sample + SAMPLES && skip_count) {
            packet = (uint16_t)(packet + skip_count), sample += SAMPLES * skip_count, skip_count = 0;
            continue;
        }
        if (sample >= unplug_at) { gone = 1; break; }
        memset(out, 0, 8);
        out[0] = 1, out[2] = 0, out[3] = 2, out[4] = (uint8_t)packet, out[5] = (uint8_t)(packet >> 8);
        for (int k = 0; k < SAMPLES; k++, sample++) {
            int n = part_of(sample);
            unsigned i = parts[n].i, v = parts[n].v;
            if (extio[10] == 2) i = (i & ~1u) | parts[n].gpi;
            int lost = missing_from <= sample && sample < missing_to;
            put32(out + 8 + 4 * k, lost ? 0xffffffffu : 3u | i << 2 | v << 18);
        }
        packet++, given += FRAME;
    }
    return given;
}

int libusb_handle_events_timeout_completed(void *context, struct timeval *timeout, int *completed) {
    (void)context; (void)timeout; (void)completed;
    uint64_t ticks;
    if (clock_fd.fd >= 0 && read(clock_fd.fd, &ticks, sizeof ticks) < 0) ticks = 0;
    int count = pending_count, kept = 0;
    struct entry now[256];
    memcpy(now, pending, sizeof now);
    pending_count = 0;
    int was_there = !gone;
    for (int k = 0; k < count; k++) {
        transfer *t = now[k].t;
        int done = 1;
        t->actual_length = 0;
        if (now[k].cancelled) t->status = CANCELLED;
        else if (gone) t->status = NO_DEVICE;
        else if (t->type == 0) t->status = control(t->buffer, &t->actual_length);
        else if (!(t->endpoint & 0x80)) {
            hear_220(t->buffer);
            t->status = COMPLETED, t->actual_length = t->length;
        }
        else {
            t->actual_length = (js220 ? packets_220 : packets)(t->buffer, t->length);
            t->status = COMPLETED;
            if (!t->actual_length) {
                done = gone || (t->timeout && now_ns() / 1000000 - now[k].since_ms >= t->timeout);
                t->status = gone ? NO_DEVICE : TIMED_OUT;
            }
        }
        if (done) t->callback(t);
        else now[kept++] = now[k];
    }
    /* Those that wait stay before those that the callbacks submitted. */
    memmove(pending + kept, pending, sizeof *pending * (size_t)pending_count);
    memcpy(pending, now, sizeof *pending * (size_t)kept);
    pending_count += kept;
    if (gone && was_there && on_hotplug) on_hotplug(context, &devices[0], 2, on_hotplug_data);
    return 0;
}
