/* SPDX-License-Identifier: Apache-2.0
 * One command at a time, each ended by '%' and answered by "m-ready". Errors are "e-[...]"; nothing of a command that
 * is refused takes effect. */
#include "harness.h"

#include "numbers.h"
#include "port.h"
#include "tinybench_config.h"
#include "tinybench_model.h"

#if !defined(TINYBENCH_DEVICE)
#error "TINYBENCH_DEVICE: say in tinybench_config.h what your board is called"
#endif

#if !defined(TINYBENCH_COMPILER)
#if defined(__clang__)
#define TINYBENCH_COMPILER __VERSION__
#elif defined(__GNUC__)
#define TINYBENCH_COMPILER "GCC " __VERSION__
#else
#define TINYBENCH_COMPILER "unknown"
#endif
#endif

#if !defined(TINYBENCH_FLAGS)
#define TINYBENCH_FLAGS "unknown"
#endif

/* How long the pin stays low: an analyser that samples it at 1 kHz still sees it. */
#if !defined(TINYBENCH_PIN_LOW_US)
#define TINYBENCH_PIN_LOW_US 2000u
#endif

enum
{
    MAX_COMMAND = 80,
    BYTES_PER_LINE = 8,
};

#if TINYBENCH_INPUT_IS_FLOAT32
/* The features as they came: the input tensor holds them quantised, and a mean squared error is against these. */
#define INPUT_BYTES (4u * TINYBENCH_INPUT_ELEMENTS)
static uint8_t features[INPUT_BYTES];
#define INPUT features
#define FLIPPED 0u
#else
/* The input tensor has its place to itself, so that bytes go there straight, and stay through all inferences. */
#define INPUT_BYTES TINYBENCH_INPUT_ELEMENTS
#define INPUT ((uint8_t *)tinybench_input)
#define FLIPPED (TINYBENCH_INPUT_IS_UINT8 ? 0x80u : 0u)
#endif

#if TINYBENCH_INPUT_IS_FLOAT32
static const number_quantization input_quantization = TINYBENCH_INPUT_QUANTIZATION;
#endif
static const number_quantization output_quantization = TINYBENCH_OUTPUT_QUANTIZATION;

static char command[MAX_COMMAND + 1];
static uint32_t command_length; /* MAX_COMMAND + 1: it was longer */
static uint32_t expected, loaded;
static int has_result;

static void say(const char *text)
{
    while (*text != '\0')
    {
        port_write((uint8_t)*text++);
    }
}

static void say_number(uint64_t value)
{
    char digits[21];
    (void)number_digits(value, digits);
    say(digits);
}

/* What the host sent: never a control character or a bracket that would end the message. */
static void say_quoted(const char *text)
{
    for (; *text != '\0'; ++text)
    {
        port_write((uint8_t)(*text < ' ' || *text > '~' || *text == '[' || *text == ']' ? '?' : *text));
    }
}

static void say_thousandths(int negative, uint64_t value)
{
    char digits[21];
    int length = number_digits(value, digits);
    if (negative)
    {
        port_write('-');
    }
    /* At least one digit before the point. */
    for (int place = length > 4 ? length : 4; place > 0; --place)
    {
        if (place == 3)
        {
            port_write('.');
        }
        port_write((uint8_t)(place > length ? '0' : digits[length - place]));
    }
}

static void timestamp(void)
{
    const uint32_t now = port_time_us();
#if TINYBENCH_TIMESTAMPS_ON_PIN
    port_pin(0);
    while (port_time_us() - now < TINYBENCH_PIN_LOW_US)
    {
    }
    port_pin(1);
#endif
#if TINYBENCH_TIMESTAMPS_ON_UART
    say("m-lap-us-");
    say_number(now);
    say("\r\n");
#endif
}

/* The next word of the command, or NULL; it is cut off from what follows. */
static char *next_word(char **rest)
{
    char *word = *rest;
    while (*word == ' ')
    {
        ++word;
    }
    if (*word == '\0')
    {
        return 0;
    }
    char *end = word;
    while (*end != '\0' && *end != ' ')
    {
        ++end;
    }
    *rest = end + (*end != '\0');
    *end = '\0';
    return word;
}

static int equal(const char *a, const char *b)
{
    for (; *a == *b; ++a, ++b)
    {
        if (*a == '\0')
        {
            return 1;
        }
    }
    return 0;
}

/* A decimal number up to 2^31 - 1, or -1. */
static int32_t parse_number(const char *text)
{
    uint32_t value = 0;
    if (*text == '\0')
    {
        return -1;
    }
    for (; *text != '\0'; ++text)
    {
        const uint32_t digit = (uint32_t)(uint8_t)*text - '0';
        if (digit > 9 || value > (INT32_MAX - digit) / 10u)
        {
            return -1;
        }
        value = 10u * value + digit;
    }
    return (int32_t)value;
}

/* 0 to 15, or -1. */
static int32_t parse_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
    {
        return digit - '0';
    }
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static void say_results(void)
{
    if (!has_result)
    {
        say("e-[There was no inference of this input]\r\n");
        return;
    }
    say("m-results-[");
#if TINYBENCH_OUTPUT_IS_MSE
    number_sum sum = {{0}};
    for (uint32_t i = 0; i < TINYBENCH_OUTPUT_ELEMENTS; ++i)
    {
        const uint8_t *bytes = features + 4 * i;
        const uint32_t bits =
            (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
        number_add_squared_error(&sum, bits, tinybench_output[i], &output_quantization);
    }
    say_thousandths(0, number_mean_thousandths(&sum, TINYBENCH_OUTPUT_ELEMENTS));
#else
    for (uint32_t i = 0; i < TINYBENCH_OUTPUT_ELEMENTS; ++i)
    {
        if (i > 0)
        {
            port_write(',');
        }
        const int8_t q = tinybench_output[i];
        say_thousandths(q < output_quantization.zero_point, number_thousandths(q, &output_quantization));
    }
#endif
    say("]\r\n");
}

/* From the bytes that were loaded to the input tensor; 0 if there is no such tensor. */
static int load_tensor(void)
{
    if (expected != INPUT_BYTES || loaded != INPUT_BYTES)
    {
        say("e-[The input has ");
        say_number(loaded);
        say(" of ");
        say_number(INPUT_BYTES);
        say(" bytes]\r\n");
        return 0;
    }
#if TINYBENCH_INPUT_IS_FLOAT32
    for (uint32_t i = 0; i < TINYBENCH_INPUT_ELEMENTS; ++i)
    {
        const uint8_t *bytes = features + 4 * i;
        const uint32_t bits =
            (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
        if (!number_is_usable(bits))
        {
            say("e-[Value ");
            say_number(i);
            say(" of the input is not a number below 2^24]\r\n");
            return 0;
        }
        tinybench_input[i] = number_quantize(bits, &input_quantization);
    }
#endif
    return 1;
}

static void infer(uint32_t iterations, uint32_t warmup)
{
    if (!load_tensor())
    {
        return;
    }
    if (tinybench_check() != 0)
    {
        say("e-[A kernel needs more scratch memory than was planned for it]\r\n");
        return;
    }
    int32_t status = 0;
    say("m-warmup-start-");
    say_number(warmup);
    say("\r\n");
    for (; warmup > 0; --warmup)
    {
        status |= tinybench_infer();
    }
    say("m-warmup-done\r\nm-infer-start-");
    say_number(iterations);
    say("\r\n");
    timestamp();
    for (; iterations > 0; --iterations)
    {
        status |= tinybench_infer();
    }
    timestamp();
    say("m-infer-done\r\n");
    if (status != 0)
    {
        has_result = 0;
        say("e-[A kernel failed]\r\n");
        return;
    }
    has_result = 1;
    say_results();
}

static void infer_command(char *rest)
{
    int32_t iterations = 1, warmup = 10;
    const char *word = next_word(&rest);
    if (word != 0)
    {
        iterations = parse_number(word);
        if (iterations <= 0)
        {
            say("e-[Inference iterations must be >0]\r\n");
            return;
        }
        word = next_word(&rest);
        if (word != 0)
        {
            warmup = parse_number(word);
            if (warmup < 0)
            {
                say("e-[Inference warmup must be >=0]\r\n");
                return;
            }
        }
    }
    infer((uint32_t)iterations, (uint32_t)warmup);
}

static void load_command(char *rest)
{
    const char *word = next_word(&rest);
    if (word == 0)
    {
        say("e-[Command 'db load' requires the # of bytes]\r\n");
        return;
    }
    const int32_t size = parse_number(word);
    if (size <= 0)
    {
        say("e-[Command 'db load' must be >0 bytes]\r\n");
        return;
    }
    if ((uint32_t)size > INPUT_BYTES)
    {
        say("e-[Command 'db load' must be at most ");
        say_number(INPUT_BYTES);
        say(" bytes]\r\n");
        return;
    }
    expected = (uint32_t)size;
    loaded = 0;
    has_result = 0;
    say("m-[Expecting ");
    say_number(expected);
    say(" bytes]\r\n");
}

static void print_command(void)
{
    static const char digits[] = "0123456789abcdef";
    for (uint32_t i = 0; i < loaded; ++i)
    {
        say(i % BYTES_PER_LINE == 0 ? "m-buffer-" : "-");
        const uint32_t byte = INPUT[i] ^ FLIPPED;
        port_write((uint8_t)digits[byte >> 4]);
        port_write((uint8_t)digits[byte & 15u]);
        if ((i + 1) % BYTES_PER_LINE == 0 || i + 1 == loaded)
        {
            say("\r\n");
        }
    }
}

static void bytes_command(const char *hex)
{
    uint32_t length = 0;
    for (; hex[length] != '\0'; ++length)
    {
        if (parse_digit(hex[length]) < 0)
        {
            say("e-[Invalid hex digit '");
            const char wrong[2] = {hex[length], '\0'};
            say_quoted(wrong);
            say("']\r\n");
            return;
        }
    }
    if (length % 2 != 0)
    {
        say("e-[Insufficient number of hex digits]\r\n");
        return;
    }
    if (loaded == expected)
    {
        say("e-[No bytes are expected: 'db load' comes first]\r\n");
        return;
    }
    for (uint32_t i = 0; i < length; i += 2)
    {
        const uint32_t byte = (uint32_t)(parse_digit(hex[i]) << 4 | parse_digit(hex[i + 1]));
        INPUT[loaded++] = (uint8_t)(byte ^ FLIPPED);
        if (loaded == expected)
        {
            say("m-load-done\r\n"); /* and what follows in this command is left out, as in the reference */
            return;
        }
    }
}

static void buffer_command(char *rest)
{
    const char *word = next_word(&rest);
    if (word == 0)
    {
        say("e-[Command 'db' requires a subcommand]\r\n");
    }
    else if (equal(word, "load"))
    {
        load_command(rest);
    }
    else if (equal(word, "print"))
    {
        print_command();
    }
    else
    {
        bytes_command(word);
    }
}

static void help_command(void)
{
    say("Commands, each ended by a percent sign:\r\n"
        "name         who this is\r\n"
        "profile      firmware, model, and how it was built\r\n"
        "timestamp    take a timestamp\r\n"
        "db load N    expect N bytes of input\r\n"
        "db HH[HH]*   these bytes, in hexadecimal\r\n"
        "db print     the bytes that came\r\n"
        "infer N [W]  N inferences after W to warm up, 10 if not given\r\n"
        "results      of the last inference\r\n");
}

static void run_command(void)
{
    char *rest = command;
    const char *word = next_word(&rest);
    if (word == 0)
    {
        word = "";
    }
    if (equal(word, "name"))
    {
        say("m-name-dut-[tinybench " TINYBENCH_DEVICE "]\r\n");
    }
    else if (equal(word, "profile"))
    {
        say("m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\n"
            "m-model-[" TINYBENCH_MODEL "]\r\n"
            "m-[tinybench " TINYBENCH_ABOUT ";timestamps=" TINYBENCH_TIMESTAMPS ";compiler=" TINYBENCH_COMPILER
            ";flags=" TINYBENCH_FLAGS "]\r\n");
    }
    else if (equal(word, "timestamp"))
    {
        timestamp();
    }
    else if (equal(word, "help"))
    {
        help_command();
    }
    else if (equal(word, "db"))
    {
        buffer_command(rest);
    }
    else if (equal(word, "infer"))
    {
        infer_command(rest);
    }
    else if (equal(word, "results"))
    {
        say_results();
    }
    else
    {
        say("e-[Unknown command: ");
        say_quoted(word);
        say("]\r\n");
    }
}

void tinybench_receive(uint8_t byte)
{
    if (byte == '\r' || byte == '\n')
    {
        return; /* a person at a terminal */
    }
    if (byte != '%')
    {
        /* A NUL would hide what follows it. */
        if (command_length < MAX_COMMAND)
        {
            command[command_length] = byte == '\0' ? '?' : (char)byte;
        }
        command_length += command_length <= MAX_COMMAND;
        return;
    }
    if (command_length > MAX_COMMAND)
    {
        say("e-[A command has at most 80 characters]\r\n");
    }
    else
    {
        command[command_length] = '\0';
        run_command();
    }
    command_length = 0;
    say("m-ready\r\n");
}

void tinybench_start(void)
{
    port_init();
    say(TINYBENCH_TIMESTAMPS_ON_UART ? "m-timestamp-mode-performance\r\n" : "m-timestamp-mode-energy\r\n");
    timestamp();
    say("m-init-done\r\nm-ready\r\n");
}

void tinybench_serve(void)
{
    tinybench_start();
    for (;;)
    {
        const int byte = port_read();
        if (byte >= 0)
        {
            tinybench_receive((uint8_t)byte);
        }
    }
}
