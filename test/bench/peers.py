"""Waybill, Postfix, Exim and sendmail, each with a policy that says the same.

A peer is its package unpacked into a root of its own (PEERS_ROOT/NAME, as the
MTA bench's setup-peers makes them); its configuration, queue and tables lie in
a folder of ours inside, its port is a free one of 127.0.0.1, and what was
started is ended by its process.

    with Postfix(ask, n, build) as peer: peer.port, peer.cpu_s()

`ask` is the policy: 'nothing' takes every recipient; 'tables': the client is
not in a table of n addresses, the sender not in one of n addresses, the
recipient's domain is in one of n domains; 'rules': none of n rules, each for
one recipient, refuses.  What is not taken is refused with 550.
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.environ.get('PEERS_ROOT', '/opt/peers')


def client(i):
    return f'10.{i // 65536}.{i // 256 % 256}.{i % 256}'


def sender(i):
    return f's{i}@from{i % 997}.example'


def domain(i):
    return f'd{i}.here.example'


def left(i):
    """Of whom a rule says that he has left."""
    return f'x{i}@left{i}.example'


def lines(n, form, key):
    return ''.join(form.format(key(i)) + '\n' for i in range(n))


def descendants(pid):
    """The process and all that it has started, and theirs."""
    found, ahead = [], [pid]
    while ahead:
        pid = ahead.pop()
        try:
            for task in os.listdir(f'/proc/{pid}/task'):
                with open(f'/proc/{pid}/task/{task}/children',
                          encoding='ascii') as f:
                    ahead += map(int, f.read().split())
        except OSError:
            continue
        found.append(pid)
    return found


def process_cpu_s(pid):
    """User and system time of all threads."""
    total = 0
    try:
        for task in os.listdir(f'/proc/{pid}/task'):
            with open(f'/proc/{pid}/task/{task}/schedstat',
                      encoding='ascii') as f:
                total += int(f.read().split()[0])
    except OSError:
        pass
    return total / 1e9


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Peer:
    """One that lies in a root of its own."""

    def __init__(self, ask, n, build):
        self.ask, self.n = ask, n
        self.port = free_port()
        self.root = f'{ROOT}/{self.where}'
        self.process = None

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix='decision-', dir=self.root)
        os.chmod(self.folder, 0o755)
        self.inside = self.folder[len(self.root):]
        try:
            self.configure()
            self.process = subprocess.Popen(
                ['chroot', self.root, *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=open(f'{self.folder}/out', 'ab'),
                stderr=subprocess.STDOUT, start_new_session=True)
            self.wait_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None:
            pids = descendants(self.process.pid)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                pass
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait_up(self):
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                with socket.create_connection(('127.0.0.1', self.port), 5) \
                        as s:
                    s.settimeout(10)
                    if s.recv(512)[:3] == b'220':
                        s.sendall(b'QUIT\r\n')
                        s.recv(512)
                        return
            except OSError:
                pass
            time.sleep(0.05)
        with open(f'{self.folder}/out', errors='replace') as f:
            sys.exit(f'{self.name} does not answer:\n{f.read()}')

    def write(self, name, text):
        with open(f'{self.folder}/{name}', 'w', encoding='ascii') as f:
            f.write(text)

    def make(self, *command):
        """A program of the peer, in its folder."""
        done = subprocess.run(
            ['chroot', self.root, 'sh', '-c',
             f'cd {self.inside} && exec "$@"', 'sh', *command],
            capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f'{self.name}: {" ".join(command)}: {done.stderr}')

    def own(self, name, user):
        """A folder of that user's, as the peer's root knows him."""
        os.mkdir(f'{self.folder}/{name}')
        self.make('chown', user, name)

    def cpu_s(self):
        return sum(map(process_cpu_s, descendants(self.process.pid)))


class Postfix(Peer):
    name, where, table = 'Postfix, hash', 'postfix', 'hash'

    ASK = {
        'nothing': 'check_client_access static:OK, reject',
        'tables': 'check_client_access {t}:{d}/clients, '
                  'check_sender_access {t}:{d}/senders, '
                  'check_recipient_access {t}:{d}/domains, reject',
        'rules': 'check_recipient_access regexp:{d}/rules, '
                 'check_client_access static:OK, reject',
    }

    def configure(self):
        os.mkdir(f'{self.folder}/spool')
        self.own('data', 'postfix')
        self.write('main.cf', f'''
compatibility_level = 3.6
queue_directory = {self.inside}/spool
data_directory = {self.inside}/data
myhostname = peer.example.test
mydestination =
mynetworks = 192.0.2.1/32
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
alias_maps =
alias_database =
smtpd_reject_unlisted_recipient = no
smtpd_recipient_limit = 100000
smtpd_relay_restrictions =
smtpd_recipient_restrictions =
    {self.ASK[self.ask].format(t=self.table, d=self.inside)}
''')
        with open(f'{self.root}/usr/share/postfix/master.cf.dist') as f:
            services = f.read()
        self.write('master.cf', self.services(services))
        if self.ask == 'tables':
            self.write('clients', lines(self.n, '{} REJECT', client))
            self.write('senders', lines(self.n, '{} REJECT', sender))
            self.write('domains', lines(self.n, '{} OK', domain))
            for name in ('clients', 'senders', 'domains'):
                self.make('postmap', f'{self.table}:{name}')
        if self.ask == 'rules':
            self.write('rules', lines(
                self.n, '/^{}$/ 550 5.1.1 has left',
                lambda i: left(i).replace('.', '\\.')))

    def services(self, text):
        """Its own list, on our port, without chroot."""
        out = []
        for line in text.splitlines():
            words = line.split()
            if line[:1] not in ('#', ' ') and len(words) > 7:
                if words[0] == 'smtp' and words[1] == 'inet':
                    words[0] = f'127.0.0.1:{self.port}'
                words[4] = 'n'
                line = ' '.join(words)
            out.append(line)
        return '\n'.join(out) + '\n'

    def command(self):
        return ['postfix', '-c', self.inside, 'start-fg']


class PostfixCdb(Postfix):
    name, table = 'Postfix, cdb', 'cdb'


class Exim(Peer):
    name, where = 'Exim, dbm', 'exim'

    def acl(self):
        if self.ask == 'nothing':
            return '  accept\n'
        if self.ask == 'rules':
            return lines(self.n, '  deny message = has left\n'
                         '       recipients = {}', left) + '  accept\n'
        return f'''
  deny hosts = net-dbm;{self.inside}/clients.db
  deny senders = dbm;{self.inside}/senders.db
  accept domains = dbm;{self.inside}/domains.db
  deny message = relaying denied
'''

    def configure(self):
        for name in ('spool', 'log'):
            self.own(name, 'Debian-exim')
        self.write('exim.conf', f'''
primary_hostname = peer.example.test
spool_directory = {self.inside}/spool
log_file_path = {self.inside}/log/%slog
pid_file_path = {self.inside}/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {self.port}
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
keep_environment =
recipients_max = 0
smtp_accept_max_per_connection = 0
smtp_accept_max_nonmail_hosts =
acl_smtp_rcpt = acl_rcpt
begin acl
acl_rcpt:
{self.acl()}
begin routers
drop:
  driver = redirect
  data = :blackhole:
''')
        if self.ask == 'tables':
            for name, key in (('clients', client), ('senders', sender),
                              ('domains', domain)):
                self.write(name, lines(self.n, '{}: y', key))
                self.make('exim_dbmbuild', name, f'{name}.db')

    def command(self):
        return ['exim4', '-C', f'{self.inside}/exim.conf', '-bdf']


class Sendmail(Peer):
    name, where = 'sendmail, hash', 'sendmail'

    def rules(self):
        if self.ask != 'rules':
            return ''
        return 'LOCAL_RULESETS\nSLocal_check_rcpt\n' + lines(
            self.n, 'R<{}>\t$#error $@ 5.1.1 $: "550 has left"', left)

    def configure(self):
        os.mkdir(f'{self.folder}/queue', 0o700)
        feature = f"FEATURE(`access_db', `hash -T<TMPF> " \
            f"{self.inside}/access')" if self.ask == 'tables' else \
            "FEATURE(`promiscuous_relay')"
        self.write('sendmail.mc', f'''divert(-1)
include(`/usr/share/sendmail/cf/m4/cf.m4')
divert(0)
OSTYPE(`debian')
FEATURE(`no_default_msa')
FEATURE(`nocanonify')
FEATURE(`accept_unresolvable_domains')
{feature}
define(`confDOMAIN_NAME', `peer.example.test')
define(`QUEUE_DIR', `{self.inside}/queue')
define(`confPID_FILE', `{self.inside}/pid')
define(`ALIAS_FILE', `{self.inside}/aliases')
define(`confTO_IDENT', `0')
define(`confQUEUE_LA', `10000')
define(`confREFUSE_LA', `10000')
define(`confDELAY_LA', `0')
define(`confPRIVACY_FLAGS', `')
define(`confCONNECTION_RATE_THROTTLE', `0')
define(`confDONT_BLAME_SENDMAIL', `DontWarnForwardFileInUnsafeDirPath')
undefine(`confHOST_STATUS_DIRECTORY')
DAEMON_OPTIONS(`Family=inet, Name=MTA, Port={self.port}, Addr=127.0.0.1')
MAILER(`local')
MAILER(`smtp')
{self.rules()}''')
        self.write('aliases', '')
        self.make('sh', '-c', 'm4 sendmail.mc > sendmail.cf')
        if self.ask == 'tables':
            self.write('access', lines(
                self.n, 'Connect:{}\tREJECT', client) + lines(
                self.n, 'From:{}\tREJECT', sender) + lines(
                self.n, 'To:{}\tRELAY', domain))
            self.make('sh', '-c', 'makemap hash access < access')

    def command(self):
        return ['/usr/sbin/sendmail', '-C', f'{self.inside}/sendmail.cf',
                '-bD']


class Waybill:
    """The real server, as the integration tests start it."""

    name = 'Waybill'

    ASK = {
        'nothing': 'client.ip in self => accept',
        'tables': '''client in access => access[client]
    sender in access => access[sender]
    rcpt.domain in domains => accept''',
        'rules': '',
    }

    def __init__(self, ask, n, build):
        self.ask, self.n = ask, n
        self.server_of = self.server_room(build)
        self.server = None

    @staticmethod
    def server_room(build):
        os.environ['WB_BUILD'] = os.path.abspath(build)
        sys.path.insert(0, os.path.join(os.path.dirname(
            os.path.abspath(__file__)), '../integration'))
        import server
        return server.Server

    def policy(self):
        declared, rules = '', self.ASK[self.ask]
        if self.ask == 'tables':
            declared = 'map access = gdbm "access" as access\n' \
                'map domains = gdbm "domains"'
        else:
            declared = 'net self = { 127.0.0.0/8 }'
        if self.ask == 'rules':
            rules = lines(self.n, 'rcpt == <{}> => reject 550 5.1.1 '
                          '"has left"', left) + self.ASK['nothing']
        return f'''edition 1
hostname "waybill.example.test"
listen smtp on "127.0.0.1:@PORT@"
limits {{ commands 100000000; recipients 100000 }}
{declared}
on rcpt {{
    {rules}
}}
route {{ otherwise => discard }}
'''

    KINDS = (('access', 'access'), ('domains', 'plain'))

    def tables(self):
        return {'access': lines(self.n, 'Connect:{} REJECT', client) +
                lines(self.n, 'From:{} REJECT', sender),
                'domains': lines(self.n, '{}: y', domain)}

    def __enter__(self):
        self.server = self.server_of(
            self.policy(), start=False,
            tables=self.tables() if self.ask == 'tables' else None)
        if self.ask == 'tables':
            for name, kind in self.KINDS:
                self.server.run('map', 'build', f'{self.server.dir}/{name}',
                                '--as', kind)
        self.server.start()
        self.port = self.server.port
        return self

    def __exit__(self, *_):
        self.server.__exit__(None, None, None)

    def cpu_s(self):
        return sum(map(process_cpu_s, descendants(self.server.proc.pid)))


ALL = (Waybill, Postfix, PostfixCdb, Exim, Sendmail)


def there():
    """Those that can be started on this machine."""
    return [peer for peer in ALL if peer is Waybill or
            os.path.isdir(f'{ROOT}/{peer.where}/usr/sbin')]
