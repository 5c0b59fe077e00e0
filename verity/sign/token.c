/* SPDX-License-Identifier: MIT */

/* Engines are deprecated in OpenSSL 3; Debian 12 has no provider for PKCS #11 yet. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "verity/sign/token.h"

#include <errno.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verity/cms/openssl.h"
#include "verity/sign/pkcs11_uri.h"
#include "verity/util/cleanup.h"

#define ENGINE_NAME "pkcs11"
#define WHAT_MAX    128 /* bytes of what a person is asked for */

struct verity_token {
	ENGINE *engine; /* initialised */
	UI_METHOD *method;
	struct verity_secret *secret; /* borrowed */
	bool loaded;                  /* the PIN has been found right */
};

/* What the engine's LOAD_CERT_CTRL takes. */
struct certificate_request {
	const char *uri;
	X509 *certificate;
};

DEFINE_CLEANUP(ENGINE, ENGINE_free);

void verity_token_free(struct verity_token *token)
{
	if (!token)
		return;
	if (token->engine)
		ENGINE_finish(token->engine);
	UI_destroy_method(token->method);
	free(token);
}

/* The engine says "Enter PKCS#11 token PIN for LABEL:". */
static void name_secret(const char *prompt, char ret[static WHAT_MAX])
{
	const char *label = prompt ? strstr(prompt, " for ") : NULL;

	if (!label) {
		snprintf(ret, WHAT_MAX, "PIN of the token");
		return;
	}
	label += strlen(" for ");
	snprintf(ret, WHAT_MAX, "PIN of %.*s", (int)strcspn(label, ":"), label);
}

/*
 * While a key is loaded, a second question means that the PIN was wrong. After that, it
 * is a key that wants its PIN for each signature.
 */
static int answer(UI *ui, UI_STRING *question)
{
	struct verity_token *token = UI_get0_user_data(ui);
	char what[WHAT_MAX];
	const char *pin;

	if (UI_get_string_type(question) != UIT_PROMPT)
		return 1;
	if (token->secret->asked && !token->loaded)
		return 0;
	name_secret(UI_get0_output_string(question), what);
	pin = verity_secret_get(token->secret, what);
	return pin && UI_set_result(ui, question, pin) >= 0;
}

/* What cannot be loaded is told on stderr by the engine, behind our back. */
static int check_module(const char *module, struct verity_error *err)
{
	char why[128];

	if (!module || access(module, R_OK) == 0)
		return 0;
	return verity_fail(err, VERITY_E_KEY,
			   "%s: the token's library cannot be read: %s", module,
			   strerror_r(errno, why, sizeof(why)));
}

static int open_engine(const char *module, ENGINE **ret, struct verity_error *err)
{
	cleanup_with(ENGINE_free_p) ENGINE *engine = NULL;
	int r = check_module(*module ? module : getenv("PKCS11_MODULE_PATH"), err);

	if (r < 0)
		return r;
	OPENSSL_init_crypto(OPENSSL_INIT_ENGINE_DYNAMIC, NULL);
	engine = ENGINE_by_id(ENGINE_NAME);
	if (!engine) {
		ERR_clear_error();
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "OpenSSL has no engine for tokens with PKCS #11 "
				   "(install libengine-pkcs11-openssl)");
	}
	if (!ENGINE_ctrl_cmd_string(engine, "QUIET", NULL, 0) ||
	    (*module && !ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", module, 0)) ||
	    !ENGINE_init(engine))
		return verity_fail_openssl(err, VERITY_E_KEY,
					   "OpenSSL's engine for tokens does not start");
	*ret = engine;
	return 0;
}

static int open_token(const struct verity_pkcs11_uri *uri, struct verity_secret *secret,
		      struct verity_token **ret, struct verity_error *err)
{
	cleanup_with(verity_token_free_p) struct verity_token *token =
		calloc(1, sizeof(*token));
	int r;

	if (!token || !(token->method = UI_create_method("PIN")) ||
	    UI_method_set_reader(token->method, answer) < 0)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	token->secret = secret;
	r = open_engine(uri->module, &token->engine, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&token);
	return 0;
}

/* libp11 hands the token's own error numbers on as reasons. */
static bool is_about_pin(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	return reason && strstr(reason, "PIN");
}

static int fail_key(const char *uri, const struct verity_secret *secret,
		    struct verity_error *err)
{
	if (secret->asked && !secret->known) {
		ERR_clear_error();
		if (err)
			*err = secret->why;
		return -EINVAL;
	}
	if (is_about_pin())
		return verity_fail_openssl(err, VERITY_E_PIN,
					   "%s: the token refuses the PIN, which was "
					   "tried once and is not tried again",
					   uri);
	return verity_fail_openssl(err, VERITY_E_KEY, "%s: no such %s can be used", uri,
				   secret->asked ? "private key"
						 : "token or private key");
}

int verity_token_load_key(const char *uri, struct verity_secret *secret, EVP_PKEY **ret,
			  struct verity_token **ret_token, struct verity_error *err)
{
	cleanup_with(verity_token_free_p) struct verity_token *token = NULL;
	struct verity_pkcs11_uri parts;
	EVP_PKEY *key;
	int r = verity_pkcs11_uri_parse(uri, &parts, err);

	if (r < 0)
		return r;
	r = open_token(&parts, secret, &token, err);
	if (r < 0)
		return r;
	secret->file = *parts.pin_file ? parts.pin_file : NULL;
	key = ENGINE_load_private_key(token->engine, parts.object, token->method, token);
	secret->file = NULL;
	if (!key)
		return fail_key(parts.object, secret, err);
	token->loaded = true;
	*ret = key;
	*ret_token = steal_ptr(&token);
	return 0;
}

/* The engine asks for a PIN where it does not find it without: by itself, if let. */
static X509 *find_certificate(struct verity_token *token, const char *uri)
{
	struct certificate_request request = {.uri = uri};

	if (ENGINE_ctrl(token->engine, ENGINE_CTRL_SET_USER_INTERFACE, 0, token->method,
			NULL) > 0 &&
	    ENGINE_ctrl(token->engine, ENGINE_CTRL_SET_CALLBACK_DATA, 0, token, NULL) > 0)
		(void)ENGINE_ctrl_cmd(token->engine, "LOAD_CERT_CTRL", 0, &request, NULL,
				      1);
	ENGINE_ctrl(token->engine, ENGINE_CTRL_SET_USER_INTERFACE, 0, NULL, NULL);
	ENGINE_ctrl(token->engine, ENGINE_CTRL_SET_CALLBACK_DATA, 0, NULL, NULL);
	return request.certificate;
}

int verity_token_load_certificate(const char *uri, X509 **ret, struct verity_error *err)
{
	cleanup_with(verity_token_free_p) struct verity_token *token = NULL;
	struct verity_secret none = {.source = NULL};
	struct verity_pkcs11_uri parts;
	X509 *certificate;
	int r = verity_pkcs11_uri_parse(uri, &parts, err);

	if (r == 0)
		r = open_token(&parts, &none, &token, err);
	if (r < 0)
		return r;
	certificate = find_certificate(token, parts.object);
	if (!certificate && none.asked) {
		ERR_clear_error();
		return verity_fail(err, VERITY_E_KEY,
				   "%s: the token has no such certificate that can be "
				   "read without a PIN",
				   parts.object);
	}
	if (!certificate)
		return verity_fail_openssl(err, VERITY_E_KEY,
					   "%s: no such token or certificate",
					   parts.object);
	*ret = certificate;
	return 0;
}
