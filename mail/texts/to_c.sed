# A template as C strings, one for each line (mail/dsn_texts.inc).
s/\\/\\\\/g
s/"/\\"/g
s/^/    "/
s/$/\\n"/
