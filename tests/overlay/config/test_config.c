/* SPDX-License-Identifier: MIT */
#include "overlay/config/config.h"
#include <errno.h>
#include <fcntl.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

static int load(const char *text, struct overlay_config *ret, struct verity_error *err)
{
	scratch_write("conf", text);
	return overlay_config_load("conf", ret, err);
}

static void test_defaults(void **state)
{
	static const char *const cases[] = {"", "# a comment\n", "\n\n"};
	struct overlay_config config;
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_ok(load(cases[i], &config, &err), &err);
		assert_string_equal(config.data, "PARTLABEL=wmopkg-data");
		assert_string_equal(config.persist, "PARTLABEL=wmopkg-persist");
		assert_string_equal(config.keys, "/etc/wmopkg/keys");
		assert_string_equal(config.run, "/run/wmopkg");
		assert_string_equal(config.cmdline, "/proc/cmdline");
		assert_int_equal(config.trials, 3);
		assert_int_equal(config.package_seconds, 30);
		assert_int_equal(config.boot_seconds, 120);
		assert_int_equal(config.memory_percent, 50);
		assert_int_equal(config.verify, OVERLAY_VERIFY_FULL);
		assert_false(config.discard);
		assert_false(config.console_only);
		overlay_config_free(&config);
	}
}

/* The file that is installed, as it is, and with all that it shows switched on. */
static void test_installed_file(void **state)
{
	struct overlay_config config;
	struct verity_error err;
	cleanup_free char *text = NULL;
	size_t size;

	(void)state;
	check_ok(overlay_config_load(INSTALLED_CONFIG, &config, &err), &err);
	assert_int_equal(config.signers_count, 0);
	overlay_config_free(&config);
	check_ok(verity_io_load(AT_FDCWD, INSTALLED_CONFIG, OVERLAY_CONFIG_MAX, &text,
				&size, &err),
		 &err);
	for (char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (at[0] == '#' && at[1] >= 'a' && at[1] <= 'z')
			at[0] = ' ';
	}
	check_ok(load(text, &config, &err), &err);
	assert_null(config.repeated);
	assert_int_equal(config.signers_count, 2);
	assert_string_equal(config.require_packages[1], "licence");
	overlay_config_free(&config);
}

static void test_values(void **state)
{
	struct overlay_config config;
	struct verity_error err;

	(void)state;
	check_ok(
		load("data = \"/mnt/data\"\npersist = 'PARTLABEL=keep'\n"
		     "keys = '/k' # ours\nrun = /r\ncmdline = /c\ndata = /dev/mmcblk0p3\n"
		     "trials = 0\n",
		     &config, &err),
		&err);
	assert_string_equal(config.data, "/dev/mmcblk0p3");
	assert_string_equal(config.persist, "PARTLABEL=keep");
	assert_string_equal(config.keys, "/k");
	assert_string_equal(config.run, "/r");
	assert_string_equal(config.cmdline, "/c");
	assert_int_equal(config.trials, 0);
	overlay_config_free(&config);
	assert_null(config.data);
}

static void test_repeated(void **state)
{
	static const struct {
		const char *text, *key;
	} cases[] = {
		{"", NULL},
		{"data = /a\npersist = /b\nsigners = {a.pem, b.pem, c.pem}\n", NULL},
		{"signers = {a.pem}\nsigners += {b.pem}\n", NULL},
		{"data = /a\ndata = /a\n", "data"},
		{"trials = 1\nkeys = /k\ntrials = 2\n", "trials"},
		{"signers = {a.pem}\nsigners = {b.pem}\n", "signers"},
		{"signers = {a.pem, b.pem}\nsigners = {c.pem}\n", "signers"},
	};
	struct overlay_config config;
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_ok(load(cases[i].text, &config, &err), &err);
		if (cases[i].key)
			assert_string_equal(config.repeated, cases[i].key);
		else
			assert_null(config.repeated);
		overlay_config_free(&config);
	}
}

static void test_stack(void **state)
{
	struct overlay_config config;
	struct overlay_protect own;
	struct verity_error err;

	(void)state;
	check_ok(load("# none\n", &config, &err), &err);
	assert_int_equal(config.hierarchies_count, 0);
	assert_int_equal(config.upper, OVERLAY_UPPER_NONE);
	assert_string_equal(config.upper_folder, "");
	overlay_config_free(&config);
	check_ok(load("hierarchies = {/usr, \"/opt/vendor-1\"}\nupper = DATA/changes\n",
		      &config, &err),
		 &err);
	assert_int_equal(config.hierarchies_count, 2);
	assert_string_equal(config.hierarchies[0], "/usr");
	assert_string_equal(config.hierarchies[1], "/opt/vendor-1");
	assert_int_equal(config.upper, OVERLAY_UPPER_DATA);
	assert_string_equal(config.upper_folder, "changes");
	overlay_config_free(&config);
	check_ok(load("keys = /usr/share/ring\n"
		      "protect = {/opt/x/bin/wmopkg, \"/opt/x/sbin/wmopkg-activate\"}\n",
		      &config, &err),
		 &err);
	assert_int_equal(config.protect_count, 2);
	own = overlay_config_protect(&config);
	assert_int_equal(own.count, 3);
	assert_string_equal(own.paths[0], "/usr/share/ring");
	assert_string_equal(own.paths[1], "/opt/x/bin/wmopkg");
	assert_string_equal(own.paths[2], "/opt/x/sbin/wmopkg-activate");
	overlay_config_free(&config);
	check_ok(load("hierarchies = {/}\nupper = DATA/changes\nupper = tmpfs\n", &config,
		      &err),
		 &err);
	assert_int_equal(config.hierarchies_count, 0);
	assert_int_equal(config.upper, OVERLAY_UPPER_TMPFS);
	assert_string_equal(config.upper_folder, "");
	overlay_config_free(&config);
}

static void test_seed(void **state)
{
	struct overlay_config config;
	struct verity_error err;

	(void)state;
	check_ok(load("seed = {\"/etc/certs:certs\", '/a/b c:data-2'}\n", &config, &err),
		 &err);
	assert_int_equal(config.seeds_count, 2);
	assert_string_equal(config.seeds[0].source, "/etc/certs");
	assert_string_equal(config.seeds[0].target, "certs");
	assert_string_equal(config.seeds[1].source, "/a/b c");
	assert_string_equal(config.seeds[1].target, "data-2");
	overlay_config_free(&config);
}

static void test_latest(void **state)
{
	const int64_t year = 31556952, written = 1764547200;
	static const int64_t end = INT64_C(253402300799);
	const struct {
		int64_t built;
		unsigned years;
		int64_t latest;
	} cases[] = {
		{0, 30, written + 30 * year}, /* not known */
		{1000000000, 1, written + year},
		{written + 5, 30, written + 5 + 30 * year},
		{end - year, 1, end},
		{end, 100, end},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_config config = {.firmware_built = cases[i].built,
						.firmware_years = cases[i].years};

		assert_int_equal(overlay_config_latest(&config), cases[i].latest);
	}
}

static void test_trust(void **state)
{
	struct overlay_config config;
	struct verity_error err;

	(void)state;
	check_ok(
		load("uboot_env = /u\nauthorities = /ca.pem\nfetch_user = fetcher\nknown_hosts = /known\nserial = SN-1\nmodel = \"Switch 9000\"\n"
		     "firmware_version = /etc/version\nfirmware_built = 4294967296\nfirmware_years = 100\n"
		     "anchor = efi\nsigners = {a.pem, \"b c.crt\"}\n"
		     "signers_needed = all\ntimestamp = required\naudit_bytes = 16384\ntrials = 0\nverify = lazy\n"
		     "package_seconds = 7\nboot_seconds = 0\nmemory_percent = 100\nweb_login = none\ndiscard = yes\nfactory_reset = console\n",
		     &config, &err),
		&err);
	assert_string_equal(config.uboot_env, "/u");
	assert_string_equal(config.authorities, "/ca.pem");
	assert_string_equal(config.fetch_user, "fetcher");
	assert_string_equal(config.known_hosts, "/known");
	assert_string_equal(config.serial, "SN-1");
	assert_string_equal(config.model, "Switch 9000");
	assert_string_equal(config.firmware_version, "/etc/version");
	assert_int_equal(config.firmware_built, INT64_C(4294967296));
	assert_int_equal(config.firmware_years, 100);
	assert_int_equal(config.anchor, OVERLAY_ANCHOR_EFI);
	assert_int_equal(config.signers_count, 2);
	assert_string_equal(config.signers[0], "a.pem");
	assert_string_equal(config.signers[1], "b c.crt");
	assert_true(config.all_signers);
	assert_true(config.timestamp_required);
	assert_int_equal(config.audit_bytes, 16384);
	assert_true(config.web_open);
	assert_int_equal(config.package_seconds, 7);
	assert_int_equal(config.boot_seconds, 0);
	assert_int_equal(config.memory_percent, 100);
	assert_int_equal(config.trials, 0);
	assert_int_equal(config.verify, OVERLAY_VERIFY_LAZY);
	assert_true(config.discard);
	assert_true(config.console_only);
	overlay_config_free(&config);

	check_ok(
		load("anchor = always\nanchor = none\nsigners_needed = one\nsigners = {}\n"
		     "verify = lazy\nverify = full\ntimestamp = optional\n",
		     &config, &err),
		&err);
	assert_int_equal(config.anchor, OVERLAY_ANCHOR_NONE);
	assert_int_equal(config.signers_count, 0);
	assert_int_equal(config.verify, OVERLAY_VERIFY_FULL);
	assert_false(config.timestamp_required);
	overlay_config_free(&config);
}

static void test_catalog(void **state)
{
	static const char where[] = "': neither a URL";
	static const char *const bad[] = {
		"catalog",
		"https://host",
		"https://host/",
		"/folder/",
		"https://host/catalog?key=1",
		"https://host/catalog#1",
		"https://host/a catalog",
	};
	char text[OVERLAY_PLACE_MAX + 64], message[OVERLAY_PLACE_MAX + 256];
	struct overlay_config config;
	struct verity_error err;

	(void)state;
	(void)where;
	check_ok(load("", &config, &err), &err);
	assert_int_equal(config.catalogs_count, 0);
	assert_string_equal(config.channel, "");
	overlay_config_free(&config);
	check_ok(load("catalog = {\"https://user:secret@[::1]:8443/a/catalog\", "
		      "/srv/catalog}\nchannel = beta\n",
		      &config, &err),
		 &err);
	assert_int_equal(config.catalogs_count, 2);
	assert_string_equal(config.catalogs[0],
			    "https://user:secret@[::1]:8443/a/catalog");
	assert_string_equal(config.catalogs[1], "/srv/catalog");
	assert_string_equal(config.channel, "beta");
	overlay_config_free(&config);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "catalog = {\"%s\"}\n", bad[i]);
		snprintf(message, sizeof(message),
			 "conf:1: catalog: '%s' is neither a URL with the name of a "
			 "file, and without '?' and '#', nor an absolute path",
			 bad[i]);
		assert_int_equal(load(text, &config, &err), -EINVAL);
		check_error(&err, VERITY_E_CONFIG, message);
	}
	assert_int_equal(load("channel = \"a b\"\n", &config, &err), -EINVAL);
	check_error(&err, VERITY_E_CONFIG,
		    "conf:1: channel: 'a b' is not a name of up to 32 letters, digits, "
		    "'.', '_' and '-'");
	assert_int_equal(
		load("catalog = {/1, /2, /3, /4, /5, /6, /7, /8, /9}\n", &config, &err),
		-EINVAL);
	check_error(&err, VERITY_E_CONFIG, "conf:1: catalog: over 8 places");
}

static void test_required(void **state)
{
	static const char *const words[] = {"reboot", "poweroff", "halt", "shell"};
	struct overlay_config config;
	struct verity_error err;
	char text[64];

	(void)state;
	check_ok(load("", &config, &err), &err);
	assert_false(config.require_persist);
	assert_int_equal(config.require_packages_count, 0);
	assert_int_equal(config.require_else, OVERLAY_ELSE_REBOOT);
	overlay_config_free(&config);
	check_ok(load("require_persist = yes\nrequire_packages = {a, \"b.c-1\"}\n",
		      &config, &err),
		 &err);
	assert_true(config.require_persist);
	assert_int_equal(config.require_packages_count, 2);
	assert_string_equal(config.require_packages[0], "a");
	assert_string_equal(config.require_packages[1], "b.c-1");
	overlay_config_free(&config);
	check_ok(load("require_packages = one\n", &config, &err), &err);
	assert_int_equal(config.require_packages_count, 1);
	overlay_config_free(&config);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "require_else = %s\n", words[i]);
		check_ok(load(text, &config, &err), &err);
		assert_int_equal(config.require_else, i);
		overlay_config_free(&config);
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{"banana = 1\n", "conf:1: no such option 'banana'"},
		{"keys = /k\n\nkey = /k\n", "conf:3: no such option 'key'"},
		{"keys = keys\n", "conf:1: keys: 'keys' is not an absolute path"},
		{"\nrun = ''\n", "conf:2: run: '' is not an absolute path"},
		{"data = data\n",
		 "conf:1: data: 'data' is neither an absolute path nor LABEL=, UUID=, "
		 "PARTLABEL= or PARTUUID="},
		{"persist = \"LABEL=\"\n",
		 "conf:1: persist: 'LABEL=' is neither an absolute path nor LABEL=, "
		 "UUID=, PARTLABEL= or PARTUUID="},
		{"trials = 101\n", "conf:1: trials: '101' is not a number from 0 to 100"},
		{"package_seconds = 86401\n",
		 "conf:1: package_seconds: '86401' is not a number from 0 to 86400"},
		{"boot_seconds = 1m\n",
		 "conf:1: boot_seconds: '1m' is not a number from 0 to 86400"},
		{"memory_percent = 0\n",
		 "conf:1: memory_percent: '0' is not a number from 1 to 100"},
		{"trials = -1\n", "conf:1: trials: '-1' is not a number from 0 to 100"},
		{"data /x\n", "conf:1: missing equal sign after option 'data'"},
		{"anchor = uefi\n",
		 "conf:1: anchor: 'uefi' is neither none, efi nor always"},
		{"factory_reset = root\n",
		 "conf:1: factory_reset: 'root' is neither any nor console"},
		{"discard = 1\n", "conf:1: discard: '1' is neither no nor yes"},
		{"timestamp = never\n",
		 "conf:1: timestamp: 'never' is neither optional nor required"},
		{"\nsigners_needed = two\n",
		 "conf:2: signers_needed: 'two' is neither one nor all"},
		{"signers = {a.pem, ../b.pem}\n",
		 "conf:1: signers: '../b.pem' is not the name of a .pem or .crt file of the "
		 "key ring"},
		{"signers = {.pem}\n",
		 "conf:1: signers: '.pem' is not the name of a .pem or .crt file of the key "
		 "ring"},
		{"hierarchies = {\"usr\"}\n",
		 "conf:1: hierarchies: 'usr' is not the absolute path of a folder, of letters, digits and ._+@-"},
		{"hierarchies = {\"/usr/\"}\n",
		 "conf:1: hierarchies: '/usr/' is not the absolute path of a folder, of letters, digits and ._+@-"},
		{"hierarchies = {\"/usr//lib\"}\n",
		 "conf:1: hierarchies: '/usr//lib' is not the absolute path of a folder, of letters, digits and ._+@-"},
		{"hierarchies = {\"/usr/../etc\"}\n",
		 "conf:1: hierarchies: '/usr/../etc' is not the absolute path of a folder, of letters, digits and ._+@-"},
		{"hierarchies = {\"/usr/.\"}\n",
		 "conf:1: hierarchies: '/usr/.' is not the absolute path of a folder, of letters, digits and ._+@-"},
		{"hierarchies = {\"//\"}\n",
		 "conf:1: hierarchies: '//' is not the absolute path of a folder, of letters, digits and ._+@-"},
		{"hierarchies = {\"/a:b\"}\n",
		 "conf:1: hierarchies: '/a:b' is not the absolute path of a folder, of letters, digits and ._+@-"},
		{"hierarchies = {\"/a,b\"}\n",
		 "conf:1: hierarchies: '/a,b' is not the absolute path of a folder, of letters, digits and ._+@-"},
		{"hierarchies = {\"\"}\n",
		 "conf:1: hierarchies: '' is not the absolute path of a folder, of letters, digits and ._+@-"},
		{"hierarchies = {/usr, /usr}\n",
		 "conf:1: hierarchies: '/usr' and '/usr' overlap"},
		{"hierarchies = {/usr, /usr/lib}\n",
		 "conf:1: hierarchies: '/usr' and '/usr/lib' overlap"},
		{"hierarchies = {/usr/lib, /usr}\n",
		 "conf:1: hierarchies: '/usr/lib' and '/usr' overlap"},
		{"hierarchies = {/, /usr}\n",
		 "conf:1: hierarchies: '/' and '/usr' overlap"},
		{"hierarchies = {/usr, /}\n",
		 "conf:1: hierarchies: '/usr' and '/' overlap"},
		{"hierarchies = {/etc/wmopkg}\n",
		 "conf:1: hierarchies: '/etc/wmopkg' belongs to the engine"},
		{"hierarchies = {/etc/wmopkg/keys}\n",
		 "conf:1: hierarchies: '/etc/wmopkg/keys' belongs to the engine"},
		{"hierarchies = {/usr/bin/wmopkg}\n",
		 "conf:1: hierarchies: '/usr/bin/wmopkg' belongs to the engine"},
		{"hierarchies = {/usr/local/bin/wmopkg}\n",
		 "conf:1: hierarchies: '/usr/local/bin/wmopkg' belongs to the engine"},
		{"hierarchies = {/opt/x}\nprotect = {/opt/x}\n",
		 "conf: hierarchies: '/opt/x' lies in '/opt/x' of `protect`"},
		{"protect = {/opt}\nhierarchies = {/usr, /opt/x}\n",
		 "conf: hierarchies: '/opt/x' lies in '/opt' of `protect`"},
		{"protect = {\"opt\"}\n",
		 "conf:1: protect: 'opt' is not the absolute path of a file or folder"},
		{"protect = {\"/\"}\n",
		 "conf:1: protect: '/' is not the absolute path of a file or folder"},
		{"protect = {\"/opt/../etc\"}\n",
		 "conf:1: protect: '/opt/../etc' is not the absolute path of a file or folder"},
		{"protect = {\"\"}\n",
		 "conf:1: protect: '' is not the absolute path of a file or folder"},
		{"protect = {/a,/b,/c,/d,/e,/f,/g,/h,/i,/j,/k,/l,/m,/n,/o,/p,/q}\n",
		 "conf:1: protect: over 16 paths"},
		{"hierarchies = {/a,/b,/c,/d,/e,/f,/g,/h,/i,/j,/k,/l,/m,/n,/o,/p,/q}\n",
		 "conf:1: hierarchies: over 16 folders"},
		{"upper = \"some\"\n",
		 "conf:1: upper: 'some' is neither 'none', 'tmpfs' nor DATA/NAME, a name on DATA that is not in use already"},
		{"upper = \"DATA\"\n",
		 "conf:1: upper: 'DATA' is neither 'none', 'tmpfs' nor DATA/NAME, a name on DATA that is not in use already"},
		{"upper = \"DATA/\"\n",
		 "conf:1: upper: 'DATA/' is neither 'none', 'tmpfs' nor DATA/NAME, a name on DATA that is not in use already"},
		{"upper = \"DATA/packages\"\n",
		 "conf:1: upper: 'DATA/packages' is neither 'none', 'tmpfs' nor DATA/NAME, a name on DATA that is not in use already"},
		{"upper = \"DATA/config\"\n",
		 "conf:1: upper: 'DATA/config' is neither 'none', 'tmpfs' nor DATA/NAME, a name on DATA that is not in use already"},
		{"upper = \"DATA/a/b\"\n",
		 "conf:1: upper: 'DATA/a/b' is neither 'none', 'tmpfs' nor DATA/NAME, a name on DATA that is not in use already"},
		{"upper = \"DATA/..\"\n",
		 "conf:1: upper: 'DATA/..' is neither 'none', 'tmpfs' nor DATA/NAME, a name on DATA that is not in use already"},
		{"upper = \"/mnt\"\n",
		 "conf:1: upper: '/mnt' is neither 'none', 'tmpfs' nor DATA/NAME, a name on DATA that is not in use already"},
		{"upper = \"\"\n",
		 "conf:1: upper: '' is neither 'none', 'tmpfs' nor DATA/NAME, a name on DATA that is not in use already"},
		{"upper = DATA/x\nseed = {\"/etc/x:x\"}\n",
		 "conf: upper: DATA/x is a target of `seed`"},
		{"seed = {certs}\n",
		 "conf:1: seed: 'certs' is not /FOLDER:NAME, a folder of "
		 "the root and a name on DATA that is not in use already"},
		{"seed = {\"/etc/../root:certs\"}\n",
		 "conf:1: seed: '/etc/../root:certs' is not /FOLDER:NAME, a folder of the root "
		 "and a name on DATA that is not in use already"},
		{"seed = {\"/etc/x:a/b\"}\n",
		 "conf:1: seed: '/etc/x:a/b' is not /FOLDER:NAME, a folder of the root and a "
		 "name on DATA that is not in use already"},
		{"seed = {\"/etc/x:packages\"}\n",
		 "conf:1: seed: '/etc/x:packages' is not /FOLDER:NAME, a folder of the root and "
		 "a name on DATA that is not in use already"},
		{"seed = {\"/etc/x/:x\"}\n",
		 "conf:1: seed: '/etc/x/:x' is not /FOLDER:NAME, a folder of the root and a "
		 "name on DATA that is not in use already"},
		{"seed = {\"/a:x\", \"/b:x\"}\n",
		 "conf:1: seed: two pairs have the name 'x'"},
		{"signers = {a.pem, a.pem, a.pem, a.pem, a.pem, a.pem, a.pem, a.pem, a.pem}\n",
		 "conf:1: signers: over 8 names"},
		{"uboot_env = env\n", "conf:1: uboot_env: 'env' is not an absolute path"},
		{"authorities = ca.pem\n",
		 "conf:1: authorities: 'ca.pem' is not an absolute path"},
		{"known_hosts = ~/.ssh/known_hosts\n",
		 "conf:1: known_hosts: '~/.ssh/known_hosts' is not an absolute path"},
		{"serial = 01234567890123456789012345678901234567890123456789012345678901234\n",
		 "conf:1: serial: neither an absolute path nor up to 64 printable bytes"},
		{"model = \"\x1b[2J\"\n",
		 "conf:1: model: neither an absolute path nor up to 64 printable bytes"},
		{"firmware_built = -1\n",
		 "conf:1: firmware_built: '-1' is not a number from 0 to 253402300799"},
		{"firmware_built = 253402300800\n",
		 "conf:1: firmware_built: '253402300800' is not a number from 0 to "
		 "253402300799"},
		{"firmware_years = 0\n",
		 "conf:1: firmware_years: '0' is not a number from 1 to 100"},
		{"firmware_years = 101\n",
		 "conf:1: firmware_years: '101' is not a number from 1 to 100"},
		{"verify = fast\n", "conf:1: verify: 'fast' is neither full nor lazy"},
		{"audit_bytes = 1k\n",
		 "conf:1: audit_bytes: '1k' is not a number from 16384 to 8388608"},
		{"audit_bytes = 99999999999999999999\n",
		 "conf:1: audit_bytes: '99999999999999999999' is not a number from 16384 to "
		 "8388608"},
		{"require_persist = true\n",
		 "conf:1: require_persist: 'true' is neither no nor yes"},
		{"require_packages = {a, \"../b\"}\n",
		 "conf:1: require_packages: '../b' is not the name of a package"},
		{"require_packages = {a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q}\n",
		 "conf:1: require_packages: over 16 names"},
		{"require_else = continue\n",
		 "conf:1: require_else: 'continue' is neither reboot, poweroff, halt nor shell"},
		{"data = \"/never ends\n", "conf:2: premature end of file"},
	};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_config config = {.data = NULL};

		assert_int_equal(load(cases[i].text, &config, &err), -EINVAL);
		check_error(&err, VERITY_E_CONFIG, cases[i].message);
		assert_null(config.data);
	}
}

static void test_missing(void **state)
{
	struct overlay_config config = {.data = NULL};
	struct verity_error err;

	(void)state;
	assert_int_equal(overlay_config_load("not-there", &config, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "not-there: No such file or directory");
	assert_int_equal(overlay_config_load("not-there", &config, NULL), -ENOENT);
}

/* What cannot be read ends in an error, not in the end of the program. */
static void test_no_file(void **state)
{
	struct overlay_config config = {.data = NULL};
	cleanup_fd int fd = -1;
	struct verity_error err;

	(void)state;
	assert_int_equal(overlay_config_load(".", &config, &err), -EINVAL);
	check_error(&err, VERITY_E_CONFIG, ".: not a file");
	scratch_write("conf", "# a comment\n");
	fd = open("conf", O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "", 1, 3), 1);
	assert_int_equal(overlay_config_load("conf", &config, &err), -EINVAL);
	check_error(&err, VERITY_E_CONFIG, "conf: not a text");
	assert_int_equal(ftruncate(fd, OVERLAY_CONFIG_MAX + 1), 0);
	assert_int_equal(overlay_config_load("conf", &config, &err), -EFBIG);
	check_error(&err, VERITY_E_IO, "conf: over 65536 bytes");
	assert_null(config.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_installed_file),
		cmocka_unit_test(test_values),   cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_stack),    cmocka_unit_test(test_seed),
		cmocka_unit_test(test_catalog),  cmocka_unit_test(test_trust),
		cmocka_unit_test(test_required), cmocka_unit_test(test_latest),
		cmocka_unit_test(test_bad),      cmocka_unit_test(test_missing),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
