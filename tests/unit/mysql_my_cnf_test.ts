import { assert, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { InputError } from "../../interfaces/clients/errors.ts";
import {
  initializeArguments,
  type MyCnf,
  renderInitFile,
  renderMyCnf,
  serverArguments,
  serverIdFor,
} from "../../interfaces/clients/mysql/my_cnf.ts";

const OPTIONS: MyCnf = {
  serverId: 4711,
  host: "10.0.0.1",
  port: 3306,
  dataDirectory: "/var/lib/charmlet/mysql-0/data",
  socketPath: "/var/lib/charmlet/mysql-0/run/mysqld.sock",
  pidFile: "/var/lib/charmlet/mysql-0/run/mysqld.pid",
  errorLog: "/var/lib/charmlet/mysql-0/log/error.log",
  user: "mysql",
};

Deno.test("my.cnf: what a member needs", () => {
  const tls = { ca: "/tls/ca.pem", cert: "/tls/cert.pem", key: "/tls/key.pem" };
  const text = renderMyCnf({
    ...OPTIONS,
    tls,
    bindAddresses: ["10.0.0.1", "127.0.0.1"],
    bufferPoolMiB: 64,
    maxConnections: 200,
    binlogExpireSeconds: 3600,
    more: { innodb_redo_log_capacity: "64M" },
  });
  assertEquals(
    text,
    `[mysqld]
user = mysql
server_id = 4711
port = 3306
report_host = 10.0.0.1
report_port = 3306
datadir = /var/lib/charmlet/mysql-0/data
socket = /var/lib/charmlet/mysql-0/run/mysqld.sock
pid_file = /var/lib/charmlet/mysql-0/run/mysqld.pid
log_error = /var/lib/charmlet/mysql-0/log/error.log
bind_address = 10.0.0.1,127.0.0.1
mysqlx = OFF
gtid_mode = ON
enforce_gtid_consistency = ON
relay_log = relay-bin
loose_group_replication_start_on_boot = OFF
skip_replica_start = ON
disabled_storage_engines = MyISAM,BLACKHOLE,FEDERATED,ARCHIVE,MEMORY
skip_name_resolve = ON
local_infile = OFF
secure_file_priv = NULL
plugin_load_add = auth_socket.so
innodb_buffer_pool_size = 64M
max_connections = 200
binlog_expire_logs_seconds = 3600
ssl_ca = /tls/ca.pem
ssl_cert = /tls/cert.pem
ssl_key = /tls/key.pem
innodb_redo_log_capacity = 64M
`,
  );
});

Deno.test("my.cnf: nothing gets in that is not meant", () => {
  const bad: Partial<MyCnf>[] = [
    { host: "10.0.0.1\nplugin_load_add = evil.so" },
    { host: "" },
    { host: "a b" },
    { port: 0 },
    { port: 1.5 },
    { port: NaN },
    { serverId: 0 },
    { serverId: 2 ** 32 },
    { dataDirectory: "relative" },
    { dataDirectory: "/var/../etc" },
    { dataDirectory: "/x\n" },
    { socketPath: "/a;b" },
    { user: "root;x" },
    { bindAddresses: ["10.0.0.1\n"] },
    { bufferPoolMiB: 0 },
    { maxConnections: 1e9 },
    { tls: { ca: "/a", cert: "b", key: "/c" } },
    { more: { "innodb-x": "1" } },
    { more: { init_file: "/etc/x\n" } },
    { more: { port: "1" } },
    { more: { gtid_mode: "OFF" } },
    { more: { x_y: "a#b" } },
  ];
  for (const change of bad) {
    assertThrows(() => renderMyCnf({ ...OPTIONS, ...change }), InputError, undefined, JSON.stringify(change));
  }
});

Deno.test("my.cnf: arguments and first statements", () => {
  assertEquals(serverArguments({ myCnf: "/x/my.cnf" }), ["--defaults-file=/x/my.cnf"]);
  assertEquals(initializeArguments({ myCnf: "/x/my.cnf", initFile: "/x/init.sql" }), [
    "--defaults-file=/x/my.cnf",
    "--initialize-insecure",
    "--init-file=/x/init.sql",
  ]);
  // One statement a line: mysqld reads the file so.
  for (const line of renderInitFile().trimEnd().split("\n")) assertMatch(line, /^[^;]+;$/);
});

Deno.test("server ids: the same for the same unit, apart from others, never small", () => {
  const ids = Array.from({ length: 1000 }, (_, number) => serverIdFor(`2a9b/mysql/${number}`));
  assertEquals(ids[0], serverIdFor("2a9b/mysql/0"));
  assertNotEquals(ids[0], serverIdFor("2a9c/mysql/0"));
  assertEquals(new Set(ids).size, ids.length);
  assert(ids.every((id) => Number.isInteger(id) && id >= 1000 && id < 2 ** 32));
});
