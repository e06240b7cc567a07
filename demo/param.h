/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers and sizes as users write them, and the one line that refuses a bad value.
 * This is a header because modules that load without kvdemo.ko use it as well.
 */
#ifndef KVDEMO_PARAM_H
#define KVDEMO_PARAM_H

#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/string.h>

/* The log shows at most so many characters of a user's word */
#define PARAM_ECHO_LEN	64

/**
 * param_is_number() - is this word fit for one of the kernel's parsers?
 * @val: the word; the parsers alone would accept a sign and a trailing newline
 *
 * Context: any.
 * Return: whether it begins with a digit and has no blank.
 */
static inline bool param_is_number(const char *val)
{
	return val && isdigit(val[0]) && !strpbrk(val, " \t\n");
}

/**
 * param_parse_size() - a decimal or 0x number with an optional K, M or G
 * @word: such as 64K; need not end with a NUL
 * @len: its length in characters
 * @max: the largest that is allowed
 * @size: filled in, in bytes
 *
 * Context: any.
 * Return: 0; -ERANGE above @max; -EINVAL for anything else, and for more than
 * 23 characters.
 */
static inline int param_parse_size(const char *word, size_t len, u64 max, u64 *size)
{
	static const char units[] = "KMG";
	unsigned int shift = 0;
	const char *unit;
	char digits[24];
	int err;

	if (!len || len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, word, len);
	digits[len] = '\0';
	if (!param_is_number(digits))
		return -EINVAL;
	unit = strchr(units, toupper(digits[len - 1]));
	if (unit) {
		shift = 10 * (unit - units + 1);
		digits[len - 1] = '\0';
	}
	/* base 0 would read 0100 as 64 */
	err = kstrtou64(digits, digits[1] == 'x' ? 16 : 10, size);
	if (err)
		return err;
	if (*size > max >> shift)
		return -ERANGE;
	*size <<= shift;
	return 0;
}

/**
 * param_say_bad() - one line about a bad value; of many in a row only some are logged
 * @key: its parameter or key
 * @val: the value; in key and value, bytes that do not print are escaped, and a long
 *	value is cut
 * @len: its length in bytes
 * @err: -ERANGE or another error
 * @allowed: the allowed values
 *
 * Context: any.
 */
static inline void param_say_bad(const char *key, const char *val, size_t len, int err,
				 const char *allowed)
{
	pr_err_ratelimited("%*pE=%*pE%s is %s: allowed is %s\n",
			   (int)min_t(size_t, strlen(key), PARAM_ECHO_LEN), key,
			   (int)min_t(size_t, len, PARAM_ECHO_LEN), val,
			   len > PARAM_ECHO_LEN ? "..." : "",
			   err == -ERANGE ? "out of range" : "invalid", allowed);
}

/**
 * param_refuse() - refuse a load parameter
 * @name: of the parameter
 * @val: the value, as the user gave it; NULL for a bare word
 * @allowed: the allowed values
 * @err: set to @code, which init then returns; only the first bad value is logged
 * @code: -EINVAL or -ERANGE
 *
 * Context: any.
 * Return: 0, because a setter that fails makes the kernel print a line of its own,
 * with the whole value.
 */
static inline int param_refuse(const char *name, const char *val, const char *allowed,
			       int *err, int code)
{
	if (!*err)
		param_say_bad(name, val ?: "", strlen(val ?: ""), code, allowed);
	*err = *err ?: code;
	return 0;
}

/**
 * struct param_number - a load parameter that is a number
 * @value: its default, then what the user gave
 * @min: the smallest allowed value
 * @max: the largest allowed value
 * @err: set on a bad value; init then returns it
 */
struct param_number {
	unsigned int value, min, max;
	int *err;
};

static inline int param_number_set(const char *val, const struct kernel_param *kp)
{
	struct param_number *number = kp->arg;
	int code = -EINVAL;
	char allowed[32];
	unsigned int value;

	/* base 0 would read 0100 as 64 */
	if (param_is_number(val))
		code = kstrtouint(val, 10, &value);
	if (!code && (value < number->min || value > number->max))
		code = -ERANGE;
	if (!code) {
		number->value = value;
		return 0;
	}
	snprintf(allowed, sizeof(allowed), "%u to %u", number->min, number->max);
	return param_refuse(kp->name, val, allowed, number->err, code);
}

static inline int param_number_get(char *buf, const struct kernel_param *kp)
{
	const struct param_number *number = kp->arg;

	return scnprintf(buf, PAGE_SIZE, "%u\n", number->value);
}

/* NOARG lets a parameter without a value reach the setter. */
#define PARAM_OPS(_set) { .flags = KERNEL_PARAM_OPS_FL_NOARG, .set = _set }

static const struct kernel_param_ops __maybe_unused param_number_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = param_number_set,
	.get = param_number_get,
};

#endif /* KVDEMO_PARAM_H */
