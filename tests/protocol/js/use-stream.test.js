import { useStream } from "@langchain/langgraph-sdk/react";
import { suite } from "./use-stream.js";

suite(useStream);
