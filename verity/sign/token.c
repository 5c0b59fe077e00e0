/* SPDX-License-Identifier: MIT */

/* Keys and certificates in tokens, through OpenSSL's engine `pkcs11`. */

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

#define ENGINE_NAME "pkcs11"

struct verity_token {
	ENGINE *engine; /* initialised */
	UI_METHOD *method;
	struct verity_secret *secret; /* borrowed */
	bool loaded;                  /* the PIN was right */
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

/*
 * While a key is loaded, a second question means that the PIN was wrong. After that, it
 * is a key that wants its PIN for each signature.
 */
static int answer(UI *ui, UI_STRING *question)
{
	struct verity_token *token = UI_get0_user_data(ui);
	const char *prompt = UI_get0_output_string(question), *label, *pin;
	char what[128] = "PIN of the token";

	if (UI_get_string_type(question) != UIT_PROMPT)
		return 1;
	if (token->secret->asked && !token->loaded)
		return 0;
	/* The engine's prompt is "Enter PKCS#11 token PIN for LABEL:". */
	label = prompt ? strstr(prompt, " for ") : NULL;
	if (label) {
		label += strlen(" for ");
		snprintf(what, sizeof(what), "PIN of %.*s", (int)strcspn(label, ":"),
			 label);
	}
	pin = verity_secret_get(token->secret, what);
	return pin && UI_set_result(ui, question, pin) >= 0;
}

static int open_engine(const char *module, ENGINE **ret, struct verity_error *err)
{
	cleanup_with(ENGINE_free_p) ENGINE *engine = NULL;
	const char *library = *module ? module : getenv("PKCS11_MODULE_PATH");
	char why[128];

	/* The engine itself would print this on stderr. */
	if (library && access(library, R_OK) < 0)
		return verity_fail(err, VERITY_E_KEY,
				   "%s: the token's library cannot be read: %s", library,
				   verity_errno_text(errno, why, sizeof(why)));
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

/* Takes @uri apart and opens the token's engine. */
static int open_token(const char *uri, struct verity_secret *secret,
		      struct verity_pkcs11_uri *ret_parts, struct verity_token **ret,
		      struct verity_error *err)
{
	cleanup_with(verity_token_free_p) struct verity_token *token =
		calloc(1, sizeof(*token));
	int r = verity_pkcs11_uri_parse(uri, ret_parts, err);

	if (r < 0)
		return r;
	if (!token || !(token->method = UI_create_method("PIN")) ||
	    UI_method_set_reader(token->method, answer) < 0)
		return verity_no_memory(err);
	token->secret = secret;
	r = open_engine(ret_parts->module, &token->engine, err);
	if (r == 0)
		*ret = steal_ptr(&token);
	return r;
}

static int fail_key(const char *uri, const struct verity_secret *secret,
		    struct verity_error *err)
{
	/* libp11 gives the token's own error numbers as reasons. */
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	if (secret->asked && !secret->known) {
		ERR_clear_error();
		return verity_fail(err, secret->why.code, "%s", secret->why.message);
	}
	if (reason && strstr(reason, "PIN"))
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
	int r = open_token(uri, secret, &parts, &token, err);

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

int verity_token_load_certificate(const char *uri, X509 **ret, struct verity_error *err)
{
	cleanup_with(verity_token_free_p) struct verity_token *token = NULL;
	struct verity_secret none = {.source = NULL};
	struct verity_pkcs11_uri parts;
	struct {
		const char *uri;
		X509 *certificate;
	} request = {.uri = parts.object}; /* as LOAD_CERT_CTRL takes it */
	int r = open_token(uri, &none, &parts, &token, err);

	if (r < 0)
		return r;
	/* Where it finds nothing without a PIN, the engine asks: here, where it may. */
	if (ENGINE_ctrl(token->engine, ENGINE_CTRL_SET_USER_INTERFACE, 0, token->method,
			NULL) > 0 &&
	    ENGINE_ctrl(token->engine, ENGINE_CTRL_SET_CALLBACK_DATA, 0, token, NULL) > 0)
		(void)ENGINE_ctrl_cmd(token->engine, "LOAD_CERT_CTRL", 0, &request, NULL,
				      1);
	ENGINE_ctrl(token->engine, ENGINE_CTRL_SET_USER_INTERFACE, 0, NULL, NULL);
	ENGINE_ctrl(token->engine, ENGINE_CTRL_SET_CALLBACK_DATA, 0, NULL, NULL);
	if (!request.certificate && none.asked) {
		ERR_clear_error();
		return verity_fail(err, VERITY_E_KEY,
				   "%s: the token has no such certificate that can be "
				   "read without a PIN",
				   parts.object);
	}
	if (!request.certificate)
		return verity_fail_openssl(err, VERITY_E_KEY,
					   "%s: no such token or certificate",
					   parts.object);
	*ret = request.certificate;
	return 0;
}
