-- The tables of `pgbench -i -s :scale`.
create table if not exists pgbench_branches (bid int not null primary key, bbalance int, filler char(88));
create table if not exists pgbench_tellers (tid int not null primary key, bid int, tbalance int, filler char(84));
create table if not exists pgbench_accounts (aid int not null primary key, bid int, abalance int, filler char(84));
create table if not exists pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
insert into pgbench_branches select b, 0 from generate_series(1, :scale) b;
insert into pgbench_tellers select t, (t - 1) / 10 + 1, 0 from generate_series(1, :scale * 10) t;
insert into pgbench_accounts select a, (a - 1) / 100000 + 1, 0, '' from generate_series(1, :scale * 100000) a;
analyze pgbench_branches, pgbench_tellers, pgbench_accounts;
