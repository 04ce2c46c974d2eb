module example.com/charmlet/bench/tool

go 1.24
