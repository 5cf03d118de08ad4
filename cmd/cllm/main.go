// Command cllm runs GGUF language models on CPUs.
package main

func main() {}
