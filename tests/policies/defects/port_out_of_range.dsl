# expect: out_of_range 3
MODEL m {}
BACKEND vllm_endpoint left { address: "127.0.0.1"  port: 70000 }
ROUTE rest { MODEL "m" }
