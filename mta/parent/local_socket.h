/*
 * local_socket.h - listening sockets in the file system ("unix:/path").
 *
 * Mode 0660: its owner (who runs the server), and one group.  What lies at the
 * path is replaced when it is a socket on which nobody listens any more; it is
 * never followed, and nothing but a socket is ever removed.
 */
#ifndef WB_MTA_PARENT_LOCAL_SOCKET_H
#define WB_MTA_PARENT_LOCAL_SOCKET_H

#include <sys/types.h>

struct local_socket {
	char	*path;
	char	*group;		/* NULL: the server's own, or that of a folder with setgid */
	dev_t	 dev;		/* what was made there */
	ino_t	 ino;
};

/* A socket that listens, or -1 with *why (free it). */
int	local_socket_open(struct local_socket *, int backlog, char **why);
/* Removes what was made, if it is still that. */
void	local_socket_remove(const struct local_socket *);

#endif
