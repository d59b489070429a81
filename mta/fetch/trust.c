/*
 * trust.c - a file of authorities becomes a store.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/fileio.h"

#include "mta/fetch/trust.h"

/* Each certificate of the text; their number. */
static size_t
add_all(X509_STORE *store, struct span text)
{
	BIO	*in = BIO_new_mem_buf(text.p, (int)text.n);
	size_t	 n = 0;
	X509	*x;

	while (in != NULL && (x = PEM_read_bio_X509(in, NULL, NULL,
	    NULL)) != NULL) {
		n += X509_STORE_add_cert(store, x) == 1;
		X509_free(x);
	}
	BIO_free(in);
	ERR_clear_error();
	return n;
}

int
trust_read(struct trust *t, int fd, const char **why)
{
	struct buf	 text = { 0 };
	struct trust	 new = { .store = X509_STORE_new() };

	*why = NULL;
	if (new.store == NULL)
		*why = "no memory";
	else if (file_read_fd(fd, TRUST_FILE_MAX, &text) == -1)
		*why = "it cannot be read, or is larger than 4 MiB";
	else if ((new.n = add_all(new.store, buf_span(&text))) == 0)
		*why = "there is no certificate in it";
	buf_clear(&text);
	if (*why != NULL) {
		X509_STORE_free(new.store);
		return -1;
	}
	trust_clear(t);
	*t = new;
	return 0;
}

void
trust_clear(struct trust *t)
{
	X509_STORE_free(t->store);
	*t = (struct trust){ 0 };
}

int
trust_apply(const struct trust *t, SSL_CTX *ctx)
{
	if (t->store == NULL)
		return -1;
	SSL_CTX_set1_cert_store(ctx, t->store);
	return 0;
}
